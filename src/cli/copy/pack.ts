import { createReadStream } from 'node:fs'
import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { pack as tarPack } from 'tar-stream'
import type { Header, Pack } from 'tar-stream'

/** What an entry's header must have. */
export type Headers = Partial<Header> & Pick<Header, 'name'>

/** A tree of files to put in an archive. */
export interface TreeOptions {
  /** The folder or file on disk. */
  readonly root: string
  /** Its name in the archive; '' for the contents alone. */
  readonly name: string
  /** Whether a path below the root is packed, and whether to look below it when it is a folder. */
  readonly select?: (
    path: string,
    isDirectory: boolean,
  ) => { readonly take: boolean; readonly descend: boolean }
  /** Changes the header of each entry. */
  readonly adjust?: (header: Headers) => Headers
}

/** Packs a tree into a tar stream, entries in order of their names. Sockets are left out, as tar has none. */
export function packTree(options: TreeOptions): AsyncIterable<Uint8Array> {
  const archive = tarPack()
  const work = async () => {
    await addPath(archive, { options, path: '', links: new Map() })
    archive.finalize()
  }
  work().catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))))
  return archive as unknown as AsyncIterable<Uint8Array>
}

interface Step {
  readonly options: TreeOptions
  /** Below the root, with `/`. */
  readonly path: string
  /** Names of files with several links, by device and inode. */
  readonly links: Map<string, string>
}

async function addPath(archive: Pack, step: Step): Promise<void> {
  const { options, path } = step
  const disk = join(options.root, path)
  const stats = await lstat(disk)
  const { take, descend } =
    path === ''
      ? { take: true, descend: true }
      : (options.select?.(path, stats.isDirectory()) ?? { take: true, descend: true })
  const name = options.name === '' ? path : path === '' ? options.name : `${options.name}/${path}`
  if (take && name !== '' && !stats.isSocket()) await addEntry(archive, { ...step, disk, name, stats })
  if (!stats.isDirectory() || !descend) return
  const children = await readdir(disk)
  for (const child of children.toSorted())
    await addPath(archive, { ...step, path: path === '' ? child : `${path}/${child}` })
}

async function addEntry(
  archive: Pack,
  { options, disk, name, stats, links }: Step & { disk: string; name: string; stats: Stats },
): Promise<void> {
  const header = await headerOf({ disk, name, stats, links })
  const adjusted = options.adjust?.(header) ?? header
  if (header.type !== 'file' || stats.size === 0) {
    await new Promise<void>((resolve, reject) => {
      // An empty file must be given its content, or the archive waits for it.
      archive.entry({ ...adjusted, size: 0 }, '', (error) => (error ? reject(error) : resolve()))
    })
    return
  }
  const entry = archive.entry({ ...adjusted, size: stats.size })
  // A file that grows meanwhile must not spoil the archive: only the size that was announced is read.
  await pipeline(createReadStream(disk, { end: stats.size - 1 }), entry as unknown as NodeJS.WritableStream)
}

async function headerOf({
  disk,
  name,
  stats,
  links,
}: {
  disk: string
  name: string
  stats: Stats
  links: Map<string, string>
}): Promise<Headers> {
  const base = { name, mode: stats.mode & 0o7777, mtime: stats.mtime, uid: stats.uid, gid: stats.gid }
  if (stats.isDirectory()) return { ...base, name: `${name}/`, type: 'directory' }
  if (stats.isSymbolicLink()) return { ...base, type: 'symlink', linkname: await readlink(disk) }
  if (stats.isFIFO()) return { ...base, type: 'fifo' }
  if (stats.isCharacterDevice() || stats.isBlockDevice()) {
    const type = stats.isBlockDevice() ? 'block-device' : 'character-device'
    return {
      ...base,
      type,
      devmajor: (stats.rdev >> 8) & 0xfff,
      devminor: (stats.rdev & 0xff) | ((stats.rdev >> 12) & 0xfff00),
    }
  }
  if (stats.nlink > 1) {
    const key = `${stats.dev}:${stats.ino}`
    const first = links.get(key)
    if (first !== undefined) return { ...base, type: 'link', linkname: first }
    links.set(key, name)
  }
  return { ...base, type: 'file' }
}
