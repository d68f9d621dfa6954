import { chmod, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Readable } from 'node:stream'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Archives } from '#images/archive.ts'
import { findBeneath, resolveBeneath } from '#kernel/paths.ts'
import { type Ignore, parseIgnore } from '#spec/docker/ignore-file.ts'
import { fetchGit, parseGitSource } from './git-source.ts'
import { fetchRemote } from './remote-context.ts'

/** The files a build starts from, unpacked into a directory of this build. */
export interface BuildContext {
  readonly root: string
  readonly dockerfile: string
}

/** The name that a Dockerfile has when nothing else is said. */
const DEFAULT_DOCKERFILE = 'Dockerfile'

/** How the context comes. */
export interface ContextRequest {
  /** A tar, maybe compressed; null where `remote` names the context. */
  readonly tar: Readable | null
  /** The URL of a tar, of a Dockerfile or of a git repository; empty for none. */
  readonly remote: string
  /** `-f`: beneath the context. */
  readonly dockerfile: string
  /** A directory of this build alone. */
  readonly directory: string
  readonly signal: AbortSignal
}

/**
 * Unpacks the context and reads the Dockerfile in it.
 * @throws InvalidArgumentError in Docker's words where there is no Dockerfile.
 */
export async function openBuildContext(request: ContextRequest, archives: Archives): Promise<BuildContext> {
  const { signal } = request
  const root = join(request.directory, 'context')
  // Its mode becomes that of a directory in the image, as with `COPY . /new`.
  await mkdir(root, { recursive: true })
  await chmod(root, 0o755)
  let tar: AsyncIterable<Uint8Array>
  const git = parseGitSource(request.remote)
  if (git !== null) {
    const checkout = await fetchGit(git, { tempRoot: request.directory, keepGitDirectory: false, signal })
    return { root: checkout, dockerfile: await readDockerfile(checkout, request.dockerfile) }
  }
  if (request.remote !== '') {
    const remote = await fetchRemote(request.remote, signal)
    if ('dockerfile' in remote) return { root, dockerfile: remote.dockerfile }
    tar = remote.tar
  } else if (request.tar === null) throw new InvalidArgumentError('no build context was given')
  else tar = request.tar
  await archives.extract(root, '/', tar, { signal })
  return { root, dockerfile: await readDockerfile(root, request.dockerfile) }
}

/** The rules of the context's .dockerignore; null where it has none. */
export async function ignoreOf(root: string): Promise<Ignore | null> {
  const path = findBeneath(root, '.dockerignore')
  if (path === null || !(await stat(path)).isFile()) return null
  return parseIgnore(await readFile(path, 'utf8'))
}

async function readDockerfile(root: string, wanted: string): Promise<string> {
  const name = wanted === '' ? DEFAULT_DOCKERFILE : wanted
  const candidates = name === DEFAULT_DOCKERFILE ? [name, name.toLowerCase()] : [name]
  for (const candidate of candidates) {
    let path: string
    try {
      path = resolveBeneath(root, candidate)
      if (!(await stat(path)).isFile()) continue
    } catch {
      continue
    }
    const text = await readFile(path, 'utf8')
    if (text === '') throw new InvalidArgumentError(`the Dockerfile (${name}) cannot be empty`)
    await leaveOut(root, ['.dockerignore', candidate])
    return text
  }
  throw new InvalidArgumentError(`Cannot locate specified Dockerfile: ${name}`)
}

/** A client must send these two even when .dockerignore names them; they are not part of the context then. */
async function leaveOut(root: string, paths: readonly string[]): Promise<void> {
  let text: string
  try {
    text = await readFile(resolveBeneath(root, '.dockerignore'), 'utf8')
  } catch {
    return
  }
  const ignore = parseIgnore(text)
  for (const path of paths) {
    if (ignore.excludes(posix.normalize(path))) await rm(resolveBeneath(root, path), { force: true })
  }
}
