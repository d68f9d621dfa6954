import { type BigIntStats, closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs'
import type { IdMap, Owner } from '#base/id-map.ts'
import { InvalidArgumentError, NotFoundError, errnoOf } from '#errors/errors.ts'
import { openMountView, type ViewMount } from '#kernel/mount-view.ts'
import { O_CLOEXEC, O_PATH, openIn } from '#kernel/paths.ts'
import type { PathStat } from '../archive.ts'
import type { Job } from '../worker/job.ts'
import { inflate } from './inflate.ts'
import { components } from './layer-tree.ts'
import { TarPacker } from './tar-pack.ts'
import type { TarEntry } from './tar-entry.ts'
import { TarParser } from './tar-parser.ts'
import { entryPath, isKernelView, walkTree } from './tree-walk.ts'
import { TreeWriter } from './tree-writer.ts'

interface PathParameters {
  readonly root: string
  readonly mounts: readonly ViewMount[]
  /** Text, as the client gave it. */
  readonly path: string
}

interface Ids {
  readonly ids: IdMap | null
}

/** Bits of Go's os.FileMode beyond the permissions. */
const GO_MODE = {
  DIR: 2 ** 31,
  SYMLINK: 2 ** 27,
  DEVICE: 2 ** 26,
  NAMED_PIPE: 2 ** 25,
  SOCKET: 2 ** 24,
  SETUID: 2 ** 23,
  SETGID: 2 ** 22,
  CHAR_DEVICE: 2 ** 21,
  STICKY: 2 ** 20,
} as const

/** Describes a path; a link at its end is described itself, unless the path ends in `/` or `/.`. */
export function stat(parameters: PathParameters): Promise<PathStat> {
  const { path } = parameters
  return withRoot(parameters, async (rootFd) => {
    const fd = openPath(rootFd, path)
    try {
      const found = fstatSync(fd, { bigint: true })
      return {
        name: baseName(path),
        size: Number(found.size),
        mode: goMode(found),
        mtime: rfc3339(found.mtimeNs),
        linkTarget: found.isSymbolicLink() ? await linkTarget(rootFd, path) : '',
      }
    } finally {
      closeSync(fd)
    }
  })
}

/** Sends a path as a tar, its entries named from the path's last name. */
export function read(parameters: PathParameters & Ids, job: Job): Promise<void> {
  const { path, ids } = parameters
  return withRoot(parameters, async (rootFd) => {
    const fd = openPath(rootFd, path)
    const packer = new TarPacker(ids)
    try {
      const found = fstatSync(fd, { bigint: true })
      const base = Buffer.from(baseName(path)).toString('latin1')
      if (!found.isDirectory()) {
        await withParent(rootFd, path, (at) => send(packer.addFile({ path: '', at, stat: found }, base), job))
      } else {
        const own = { path: '', at: `/proc/self/fd/${fd}/.`, stat: found }
        await send(packer.addFile(own, base.replace(/\/$/, '')), job)
        if (!isKernelView(own.at)) await readDirectory(fd, { packer, base, job })
      }
      await send(packer.end(), job)
    } finally {
      closeSync(fd)
    }
  })
}

async function readDirectory(fd: number, to: { packer: TarPacker; base: string; job: Job }): Promise<void> {
  const directory = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC)
  const prefix = to.base === '/' ? '' : to.base
  try {
    for (const file of walkTree(directory))
      await send(to.packer.addFile(file, `${prefix}/${file.path}`), to.job)
  } finally {
    closeSync(directory)
  }
}

/** Sends a whole root as a tar. */
export async function exportRoot({ root, ids }: { readonly root: string } & Ids, job: Job): Promise<void> {
  const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC)
  const packer = new TarPacker(ids)
  try {
    for (const file of walkTree(fd)) await send(packer.addFile(file, file.path), job)
    await send(packer.end(), job)
  } finally {
    closeSync(fd)
  }
}

/** Unpacks the tar that comes by the channel into a directory. */
export function extract(
  parameters: PathParameters &
    Ids & {
      readonly owner: Owner | null
      readonly noOverwriteDirNonDir: boolean
    },
  job: Job,
): Promise<void> {
  const { path } = parameters
  return withRoot(parameters, async (rootFd) => {
    const directory = openIn(rootFd, path, {})
    const isDirectory = fstatSync(directory).isDirectory()
    closeSync(directory)
    if (!isDirectory) throw new InvalidArgumentError('extraction point is not a directory')
    const writer = new TreeWriter(rootFd, {
      owner: parameters.owner ?? undefined,
      ids: parameters.ids,
      noOverwriteDirNonDir: parameters.noOverwriteDirNonDir,
    })
    const parser = new TarParser({
      entry: (entry) => writer.add(moved(entry, Buffer.from(path).toString('latin1'))),
      data: (bytes) => writer.data(bytes),
      hole: (bytes) => writer.hole(bytes),
      entryEnd: () => writer.entryEnd(),
    })
    try {
      await inflate(job.input(), 'detect', (bytes) => {
        parser.push(bytes)
        return null
      })
      parser.finish()
      writer.finish()
    } finally {
      writer.close()
    }
  })
}

/** The entry as it is named from the root; one that leads out of the directory is refused. */
function moved(entry: TarEntry, directory: string): TarEntry {
  const name = `${directory}/${components(entry.name).join('/')}`
  const linkName =
    entry.type === 'hardlink' ? `${directory}/${components(entry.linkName).join('/')}` : entry.linkName
  return { ...entry, name, linkName }
}

async function send(pieces: Iterable<Buffer>, job: Job): Promise<void> {
  for (const piece of pieces) await job.output(piece as Buffer<ArrayBuffer>)
}

async function withRoot<T>(
  { root, mounts, path }: PathParameters,
  work: (rootFd: number) => Promise<T>,
): Promise<T> {
  using view = openMountView(root, mounts)
  try {
    return await work(view.rootFd)
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENAMETOOLONG') {
      throw new NotFoundError(`Could not find the file ${path}`, { cause: error })
    }
    throw error
  }
}

function openPath(rootFd: number, path: string): number {
  const follows = /(^|\/)\.?$/.test(path)
  return openIn(rootFd, path, { flags: follows ? O_PATH : O_PATH | constants.O_NOFOLLOW })
}

/** For calls that take no fd: a path to the file that leads through its open parent only. */
async function withParent<T>(
  rootFd: number,
  path: string,
  work: (at: string | Buffer) => Promise<T> | T,
): Promise<T> {
  const names = path.split('/').filter((step) => step !== '' && step !== '.')
  const name = Buffer.from(names.pop() ?? '.').toString('latin1')
  const parent = openIn(rootFd, names.join('/'), { flags: O_PATH | constants.O_DIRECTORY })
  try {
    return await work(entryPath(parent, name))
  } finally {
    closeSync(parent)
  }
}

/** The last name of a path as Go's filepath.Base gives it, `/.` kept at its end. */
function baseName(path: string): string {
  if (/\/\.$/.test(path) || path === '.') return '.'
  return (
    path
      .split('/')
      .filter((step) => step !== '')
      .at(-1) ?? '/'
  )
}

async function linkTarget(rootFd: number, path: string): Promise<string> {
  try {
    const root = readlinkSync(`/proc/self/fd/${rootFd}`)
    const fd = openIn(rootFd, path, {})
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return root === '/' ? target : target.slice(root.length) || '/'
    } finally {
      closeSync(fd)
    }
  } catch {
    // A link to nothing: where it points to is all that can be said.
    return await withParent(rootFd, path, (at) => readlinkSync(at))
  }
}

function goMode(found: BigIntStats): number {
  const mode = Number(found.mode)
  let go = mode & 0o777
  if (found.isDirectory()) go += GO_MODE.DIR
  if (found.isSymbolicLink()) go += GO_MODE.SYMLINK
  if (found.isBlockDevice() || found.isCharacterDevice()) go += GO_MODE.DEVICE
  if (found.isCharacterDevice()) go += GO_MODE.CHAR_DEVICE
  if (found.isFIFO()) go += GO_MODE.NAMED_PIPE
  if (found.isSocket()) go += GO_MODE.SOCKET
  if (mode & 0o4000) go += GO_MODE.SETUID
  if (mode & 0o2000) go += GO_MODE.SETGID
  if (mode & 0o1000) go += GO_MODE.STICKY
  return go
}

function rfc3339(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n)
  const fraction = String(nanos % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  const text = new Date(seconds * 1000).toISOString().slice(0, 19)
  return fraction === '' ? `${text}Z` : `${text}.${fraction}Z`
}
