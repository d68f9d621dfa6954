import { readdir, readFile, stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { findBeneath } from '#kernel/paths.ts'
import { readApkInstalled } from './apk.ts'
import { readDpkgStatus } from './dpkg.ts'
import { readNpmLock } from './npm.ts'
import type { SoftwarePackage } from './packages.ts'

/** A database larger than this is not read: it is none. */
const MAX_FILE_BYTES = 64 * 1024 * 1024
/** How many directories are looked into for lock files. */
const MAX_DIRECTORIES = 100_000

/**
 * The packages of a root file system: those of dpkg's and apk's databases, and of every npm lock file outside of
 * `node_modules`. Nothing else is looked for. Files are resolved beneath the root.
 */
export async function findPackages(root: string, signal: AbortSignal): Promise<SoftwarePackage[]> {
  const distribution = await distributionOf(root)
  const found: SoftwarePackage[] = []
  const status = ['var/lib/dpkg/status', ...(await filesIn(root, 'var/lib/dpkg/status.d'))]
  for (const path of status.filter((name) => !name.endsWith('.md5sums'))) {
    const text = await readText(root, path)
    if (text !== null) found.push(...readDpkgStatus(text, { source: `/${path}`, distribution }))
  }
  const apk = 'lib/apk/db/installed'
  const text = await readText(root, apk)
  if (text !== null) found.push(...readApkInstalled(text, { source: `/${apk}`, distribution }))
  for (const path of await lockFiles(root, signal)) {
    const lock = await readText(root, path)
    if (lock !== null) found.push(...readNpmLock(lock, `/${path}`))
  }
  return found.toSorted((a, b) => (a.purl + a.source < b.purl + b.source ? -1 : 1))
}

/** The `ID` of os-release(5). */
async function distributionOf(root: string): Promise<string> {
  for (const path of ['etc/os-release', 'usr/lib/os-release']) {
    const id = /^ID=["']?([\w.-]+)["']?$/m.exec((await readText(root, path)) ?? '')?.[1]
    if (id !== undefined) return id
  }
  return 'linux'
}

async function filesIn(root: string, path: string): Promise<string[]> {
  const directory = findBeneath(root, path)
  const names = directory === null ? [] : await readdir(directory).catch(() => [])
  return names.toSorted().map((name) => posix.join(path, name))
}

async function readText(root: string, path: string): Promise<string | null> {
  const found = findBeneath(root, path)
  if (found === null) return null
  const stats = await stat(found)
  return stats.isFile() && stats.size <= MAX_FILE_BYTES ? await readFile(found, 'utf8') : null
}

async function lockFiles(root: string, signal: AbortSignal): Promise<string[]> {
  const found: string[] = []
  const left = ['']
  for (let count = 0; left.length > 0 && count < MAX_DIRECTORIES; count += 1) {
    signal.throwIfAborted()
    const directory = left.pop() as string
    // Entries are told by their own type: no link is followed.
    const entries = await readdir(posix.join(root, directory), { withFileTypes: true })
    for (const entry of entries) {
      const path = posix.join(directory, entry.name)
      if (entry.isDirectory() && entry.name !== 'node_modules') left.push(path)
      else if (entry.isFile() && entry.name === 'package-lock.json') found.push(path)
    }
  }
  return found.toSorted()
}
