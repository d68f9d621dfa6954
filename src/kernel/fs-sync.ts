import { closeSync, openSync } from 'node:fs'
import { open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncfs } from './native/files.ts'

/** Makes the names in a directory durable (fsync(2) of the directory). */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the content of a file durable; its name is the directory's. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/**
 * Writes a file so that after any crash it has either its old content or the new one, whole.
 * @param options.durable waits until the new one survives power loss; default true
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number; readonly durable?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.new`
  const durable = options.durable ?? true
  try {
    await writeFile(temporary, content, { mode: options.mode ?? 0o600, flush: durable })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  if (durable) await syncDirectory(dirname(path))
}

/** Writes out all of the file system that holds the path (syncfs(2)). Blocks: for a worker thread. */
export function syncFileSystem(path: string): void {
  const fd = openSync(path, 'r')
  try {
    syncfs(fd)
  } finally {
    closeSync(fd)
  }
}
