import { readdir, rm, rmdir, unlink } from 'node:fs'
import type { Dirent } from 'node:fs'
import { rm as removeAny } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '#errors/errors.ts'

/** Larger directories are left to Node's own removal, which bounds what it does at once. */
const SMALL_ENTRIES = 32

/**
 * Removes a directory and all below it, as rm(1) -rf; fine when it is not there. Made for directories with a handful of files, of which
 * every container leaves some: Node's own looks at each file twice before it removes it, and each look is a trip to another thread.
 * Symlinks are not followed. @throws the error of the system call that failed
 */
export async function removeTree(directory: string): Promise<void> {
  try {
    await removeDirectory(directory)
  } catch {
    // It is not there or no directory, or something was made, mounted or removed in it meanwhile.
    await removeAny(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function removeDirectory(directory: string): Promise<void> {
  const entries = await list(directory)
  if (entries.length > SMALL_ENTRIES) {
    await call((done) => rm(directory, { recursive: true, force: true }, done))
    return
  }
  await Promise.all(entries.map((entry) => removeEntry(join(directory, entry.name), entry)))
  await call((done) => rmdir(directory, done))
}

async function removeEntry(path: string, entry: Dirent): Promise<void> {
  if (!entry.isDirectory()) {
    await call((done) => unlink(path, done))
    return
  }
  try {
    await call((done) => rmdir(path, done))
  } catch (error) {
    if (errnoOf(error) !== 'ENOTEMPTY') throw error
    await removeDirectory(path)
  }
}

function list(directory: string): Promise<Dirent[]> {
  return new Promise((resolve, reject) =>
    readdir(directory, { withFileTypes: true }, (error, entries) =>
      error === null ? resolve(entries) : reject(error),
    ),
  )
}

function call(start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error === null ? resolve() : reject(error))))
}
