import { lstat, opendir } from 'node:fs/promises'
import { errnoOf } from '#errors/errors.ts'

/**
 * The bytes of all files below a directory, each inode once. What vanishes meanwhile does not count.
 * @throws the reason of the signal when it aborts
 */
export async function directorySize(path: string, signal: AbortSignal): Promise<number> {
  const seen = new Set<string>()
  let sizeBytes = 0
  const waiting = [path]
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    signal.throwIfAborted()
    for (const name of await entriesOf(directory)) {
      const child = `${directory}/${name}`
      const stat = await lstat(child).catch(ignoreGone)
      if (stat === null) continue
      if (stat.isDirectory()) waiting.push(child)
      if (stat.nlink > 1 && !stat.isDirectory()) {
        const inode = `${String(stat.dev)}:${String(stat.ino)}`
        if (seen.has(inode)) continue
        seen.add(inode)
      }
      if (!stat.isDirectory()) sizeBytes += stat.size
    }
  }
  return sizeBytes
}

async function entriesOf(directory: string): Promise<string[]> {
  const handle = await opendir(directory).catch(ignoreGone)
  const names: string[] = []
  if (handle !== null) for await (const entry of handle) names.push(entry.name)
  return names
}

function ignoreGone(error: unknown): null {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null
  throw error
}
