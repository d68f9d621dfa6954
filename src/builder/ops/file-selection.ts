import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import { resolveBeneath } from '#kernel/paths.ts'
import { globToRegExp } from '../dockerfile/glob.ts'
import { cleanSource, hasWildcard, matchPaths, pivotOf } from './source-paths.ts'

/** A file, directory or link that will be in the new layer. */
export interface SelectedFile {
  /** Its path below the source it came with; empty for the source itself. */
  readonly name: string
  /** Where it is now; null for text of the Dockerfile. */
  readonly path: string | null
  readonly type: 'file' | 'directory' | 'symlink'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtimeMs: number
  /** The target of a symlink, or the text of a file without a path. */
  readonly text: string
}

/** One source of a COPY or ADD with all that is in it. */
export interface SelectedSource {
  /** The base name under which a file goes into a directory. */
  readonly baseName: string
  /** Path from the root of the source tree, or from the pivot (`/./`), for `--parents`. */
  readonly relativePath: string
  readonly isDirectory: boolean
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

/** Null for sockets, pipes and devices, which a build context cannot carry. */
async function describe(path: string, name: string): Promise<SelectedFile | null> {
  const stats = await lstat(path)
  const type = stats.isDirectory()
    ? 'directory'
    : stats.isSymbolicLink()
      ? 'symlink'
      : stats.isFile()
        ? 'file'
        : null
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
  }
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
  }
  return { baseName: name, relativePath: name, isDirectory: false, files: [file] }
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
    for (const file of source.files) {
      const own = createHash('sha256')
      own.update(
        JSON.stringify([file.name, file.type, file.mode, file.uid, file.gid, file.sizeBytes, file.text]),
      )
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
