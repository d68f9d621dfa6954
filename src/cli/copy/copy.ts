import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, posix, resolve } from 'node:path'
import type { Containers, PathStat } from '#client/containers.ts'
import { DaemonError } from '#client/transport.ts'
import type { Context } from '../core/context.ts'
import { ExitError } from '../core/exit.ts'
import { stdinChunks } from '../core/stdin.ts'
import { humanSize } from '../format/units.ts'
import { packTree } from './pack.ts'
import { archiveName, placeCopy, renamed } from './rename.ts'
import type { CopyEnd } from './rename.ts'
import { unpackTree } from './unpack.ts'

/** One copy between a container and this machine. */
export interface CopyOptions {
  readonly containers: Containers
  readonly id: string
  readonly source: string
  readonly destination: string
  readonly followLink: boolean
  readonly archive: boolean
  readonly quiet: boolean
}

/** Bits of Go's os.FileMode. */
const MODE_DIR = 2 ** 31
const MODE_SYMLINK = 2 ** 27
const has = (mode: number, bit: number): boolean => Math.floor(mode / bit) % 2 === 1

/** Makes a local path absolute, keeping a `/` or `/.` at its end, which mean something. */
function absolute(path: string): string {
  const clean = resolve(path)
  if (path === '.' || path.endsWith('/.')) return join(clean, '/') + '.'
  return path.endsWith('/') && clean !== '/' ? `${clean}/` : clean
}

/** Copies out of a container, to a path or (`-`) as a tar stream to stdout. */
export async function copyFromContainer(context: Context, options: CopyOptions): Promise<void> {
  const { containers, id, destination, followLink, archive, quiet } = options
  let source = options.source.startsWith('/') ? options.source : `/${options.source}`
  let name: string | null = null
  if (followLink) {
    const found = await containers.statPath(id, source)
    if (has(found.mode, MODE_SYMLINK)) {
      name = archiveName(source)
      source = posix.resolve(posix.dirname(source), found.linkTarget)
    }
  }
  const { stat: about, tar } = await containers.copyFrom(id, source)
  if (destination === '-') {
    if (context.out.isTty) throw new ExitError(1, 'refusing to copy to a terminal: redirect stdout')
    for await (const chunk of tar) context.out.write(chunk)
    return
  }
  const target = await localEnd(absolute(destination))
  const end: CopyEnd = { path: source, exists: true, isDirectory: has(about.mode, MODE_DIR) }
  const chosen = placeCopy(end, target)
  const placement =
    chosen.rename === null && name !== null
      ? { ...chosen, rename: { from: archiveName(source), to: name } }
      : chosen
  if ((await stat(placement.folder).catch(() => null)) === null)
    throw new ExitError(
      1,
      `invalid output path: directory ${JSON.stringify(placement.folder)} does not exist`,
    )
  let total = 0
  await unpackTree(tar, {
    folder: placement.folder,
    rename: (entry) => renamed(entry, placement),
    owners: archive,
    onBytes: (size) => (total += size),
  })
  if (!quiet) context.err.line(`Successfully copied ${humanSize(total, 3)} to ${destination}`)
}

async function localEnd(path: string): Promise<CopyEnd> {
  const found = await stat(path.replace(/(?<=.)\/+\.?$/, '')).catch(() => null)
  return { path, exists: found !== null, isDirectory: found?.isDirectory() ?? false }
}

/** Copies into a container, from a path or (`-`) a tar stream on stdin. */
export async function copyToContainer(context: Context, options: CopyOptions): Promise<void> {
  const { containers, id, source, archive, quiet, followLink } = options
  const target = await containerEnd(options)
  const send = (path: string, tar: AsyncIterable<Uint8Array>) =>
    containers.copyTo(id, { path, tar, noOverwriteDirNonDir: true, copyUIDGID: archive })
  if (source === '-') {
    if (!target.isDirectory)
      throw new ExitError(1, `destination "${id}:${options.destination}" must be a directory`)
    return send(target.path, stdinChunks())
  }
  const path = absolute(source)
  const bare = path.replace(/(?<=.)\/+\.?$/, '')
  const info = await lstat(bare).catch(() => null)
  if (info === null) throw new ExitError(1, `lstat ${bare}: no such file or directory`)
  const followed = info.isSymbolicLink() && (followLink || path !== bare) ? await realpath(bare) : bare
  const about = followed === bare ? info : await stat(followed)
  if (path !== bare && !about.isDirectory()) throw new ExitError(1, `lstat ${path}: not a directory`)
  const end: CopyEnd = { path, exists: true, isDirectory: about.isDirectory() }
  const placement = placeCopy(end, target)
  const top = placement.rename?.to ?? (archiveName(path) === '.' ? '' : basename(bare))
  let total = 0
  const tar = packTree({
    root: followed,
    name: top,
    adjust: (header) => (archive ? header : { ...header, uid: 0, gid: 0 }),
  })
  await send(
    placement.folder,
    counted(tar, (size) => (total += size)),
  )
  if (!quiet) context.err.line(`Successfully copied ${humanSize(total, 3)} to ${id}:${options.destination}`)
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  add: (sizeBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    add(chunk.length)
    yield chunk
  }
}

async function containerEnd({ containers, id, destination }: CopyOptions): Promise<CopyEnd> {
  let path = destination.startsWith('/') ? destination : `/${destination}`
  const look = async (at: string): Promise<PathStat | null> => {
    try {
      return await containers.statPath(id, at)
    } catch (error) {
      // A destination that is not there yet is made by the copy; a container that is not there is an error.
      if (error instanceof DaemonError && error.status === 404 && !/no such container/i.test(error.message))
        return null
      throw error
    }
  }
  let found = await look(path)
  if (found !== null && has(found.mode, MODE_SYMLINK)) {
    path = posix.resolve(dirname(path), found.linkTarget)
    found = await look(path)
  }
  return { path, exists: found !== null, isDirectory: found !== null && has(found.mode, MODE_DIR) }
}
