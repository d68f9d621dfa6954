import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import { resolveBeneath } from '#kernel/paths.ts'
import { splitDevice } from '#kernel/device-nodes.ts'
import { globToRegExp } from '../dockerfile/glob.ts'
import { keptXattrs } from './kept-xattrs.ts'
import { cleanSource, hasWildcard, matchPaths, pivotOf } from './source-paths.ts'

/** A file, directory or link that will be in the new layer. */
export interface SelectedFile {
  /** Its path below the source it came with; empty for the source itself. */
  readonly name: string
  /** Where it is now; null for text of the Dockerfile. */
  readonly path: string | null
  readonly type: 'file' | 'directory' | 'symlink' | 'fifo' | 'char' | 'block'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtimeMs: number
  /** The target of a symlink, or the text of a file without a path. */
  readonly text: string
  /** The same for all names of one file that came with one source; null for a file with one name. */
  readonly inode: string | null
  /** Of a device. */
  readonly devMajor: number
  readonly devMinor: number
  /** Attributes that images keep: capabilities, and what users set. */
  readonly xattrs: ReadonlyMap<string, Buffer>
}

/** A file with one name that is no device and has no attributes. */
export const PLAIN: Pick<SelectedFile, 'inode' | 'devMajor' | 'devMinor' | 'xattrs'> = {
  inode: null,
  devMajor: 0,
  devMinor: 0,
  xattrs: new Map(),
}

/** One source of a COPY or ADD with all that is in it. */
export interface SelectedSource {
  /** The base name under which a file goes into a directory. */
  readonly baseName: string
  /** Path from the root of the source tree, or from the pivot (`/./`), for `--parents`. */
  readonly relativePath: string
  readonly isDirectory: boolean
  /** What an archive held: it says itself whose the files are, `--chown` and `--chmod` do not. */
  readonly isUnpacked: boolean
  /** The source itself first, then what is in it, parents before children. */
  readonly files: readonly SelectedFile[]
}

/**
 * Finds what the sources of an instruction name beneath a root.
 * @throws InvalidArgumentError in Docker's words where there is nothing.
 */
export async function selectSources(
  root: string,
  sources: readonly string[],
  options: { readonly keyword: string; readonly excludes: readonly string[] },
): Promise<SelectedSource[]> {
  const found: SelectedSource[] = []
  for (const source of sources) {
    const clean = cleanSource(source)
    const paths = hasWildcard(clean) ? await matchPaths(root, clean) : [clean]
    if (paths.length === 0)
      throw new InvalidArgumentError(`${options.keyword} failed: no source files were specified`)
    for (const path of paths) {
      if (isExcluded(path, options.excludes)) continue
      const one = await selectOne(root, path, options)
      const pivot = pivotOf(source)
      found.push(pivot === '' ? one : { ...one, relativePath: posix.relative(pivot, path) })
    }
  }
  return found
}

async function selectOne(
  root: string,
  path: string,
  options: { readonly keyword: string; readonly excludes: readonly string[] },
): Promise<SelectedSource> {
  const start = await resolved(root, path, options.keyword)
  const first = await describe(start, '')
  if (first === null)
    throw new InvalidArgumentError(`${options.keyword} failed: "${path}" is neither file nor directory`)
  const files = [first]
  if (first.type === 'directory') await walk(start, '', { files, excludes: options.excludes, prefix: path })
  return {
    baseName: posix.basename(path),
    relativePath: path,
    isDirectory: first.type === 'directory',
    isUnpacked: false,
    files,
  }
}

async function resolved(root: string, path: string, keyword: string): Promise<string> {
  try {
    const start = resolveBeneath(root, path)
    await lstat(start)
    return start
  } catch {
    throw new InvalidArgumentError(
      `${keyword} failed: file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`,
    )
  }
}

type Walk = { readonly files: SelectedFile[]; readonly excludes: readonly string[]; readonly prefix: string }

async function walk(directory: string, name: string, state: Walk): Promise<void> {
  for (const entry of (await readdir(directory)).sort()) {
    const below = name === '' ? entry : `${name}/${entry}`
    if (isExcluded(posix.join(state.prefix, below), state.excludes)) continue
    const path = `${directory}/${entry}`
    const file = await describe(path, below)
    if (file === null) continue
    if (entry.startsWith('.wh.')) {
      throw new InvalidArgumentError(
        `cannot copy "${below}": names that begin with ".wh." mark deletions in image layers`,
      )
    }
    state.files.push(file)
    if (file.type === 'directory') await walk(path, below, state)
  }
}

/** Null for sockets, which no archive can carry. */
async function describe(path: string, name: string): Promise<SelectedFile | null> {
  const stats = await lstat(path)
  const type = typeOf(stats)
  if (type === null) return null
  return {
    name,
    path,
    type,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    sizeBytes: type === 'file' ? stats.size : 0,
    mtimeMs: stats.mtimeMs,
    text: type === 'symlink' ? await readlink(path) : '',
    inode: type !== 'directory' && stats.nlink > 1 ? `${stats.dev}:${stats.ino}` : null,
    ...deviceOf(stats, type),
    xattrs: type === 'symlink' ? PLAIN.xattrs : keptXattrs(path),
  }
}

function deviceOf(stats: Stats, type: string): Pick<SelectedFile, 'devMajor' | 'devMinor'> {
  if (type !== 'char' && type !== 'block') return { devMajor: 0, devMinor: 0 }
  const { major, minor } = splitDevice(stats.rdev)
  return { devMajor: major, devMinor: minor }
}

function typeOf(stats: Stats): SelectedFile['type'] | null {
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFile()) return 'file'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isCharacterDevice()) return 'char'
  return stats.isBlockDevice() ? 'block' : null
}

function isExcluded(path: string, patterns: readonly string[]): boolean {
  let excluded = false
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!')
    const expression = globToRegExp(cleanSource(negated ? pattern.slice(1) : pattern), { separator: '/' })
    if (expression.test(path)) excluded = !negated
  }
  return excluded
}

/** A file whose text stands in the Dockerfile, as a source. */
export function inlineSource(name: string, content: string): SelectedSource {
  const file: SelectedFile = {
    name: '',
    path: null,
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: Buffer.byteLength(content),
    mtimeMs: 0,
    text: content,
    ...PLAIN,
  }
  return { baseName: name, relativePath: name, isDirectory: false, isUnpacked: false, files: [file] }
}

/**
 * A digest of what is selected: names, types, modes, owners, link targets and contents, not times. Equal digests
 * make equal layers. `files` has a digest of each file and directory, by its path.
 */
export async function digestSources(
  sources: readonly SelectedSource[],
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly files: ReadonlyMap<string, string> }> {
  const hash = createHash('sha256')
  const files = new Map<string, string>()
  for (const source of sources) {
    hash.update(JSON.stringify([source.baseName, source.relativePath]))
    const names = new Map<string, string>()
    for (const file of source.files) {
      const { inode, name, type, mode, uid, gid, sizeBytes, text } = file
      const parts: unknown[] = [name, type, mode, uid, gid, sizeBytes, text]
      if (inode !== null) {
        if (!names.has(inode)) names.set(inode, name)
        parts.push({ same: names.get(inode) })
      }
      if (type === 'char' || type === 'block') parts.push(file.devMajor, file.devMinor)
      for (const [attribute, value] of file.xattrs) parts.push({ attribute, value: value.toString('hex') })
      const own = createHash('sha256').update(JSON.stringify(parts))
      if (file.type === 'file' && file.path !== null) {
        for await (const chunk of createReadStream(file.path, { signal, highWaterMark: 256 * 1024 })) {
          own.update(chunk as Buffer)
        }
      }
      const digest = own.digest('hex')
      hash.update(digest)
      files.set(posix.join(source.relativePath, file.name), digest)
    }
  }
  return { digest: hash.digest('hex'), files }
}

/** Files of a context belong to root in the image, whoever owns them where the build was started. */
export function ownedByRoot(source: SelectedSource): SelectedSource {
  return { ...source, files: source.files.map((file) => ({ ...file, uid: 0, gid: 0 })) }
}
