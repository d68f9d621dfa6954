import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { pack } from 'tar-stream'
import { packTree } from '../copy/pack.ts'
import { ExitError } from '../core/exit.ts'
import { readAll, stdinChunks } from '../core/stdin.ts'
import { parseIgnore } from '#spec/docker/ignore-file.ts'

/** What is sent to the daemon to build from. */
export interface BuildContext {
  /** The tar stream; null when the daemon fetches `remote` itself. */
  readonly tar: AsyncIterable<Uint8Array> | null
  readonly remote: string | null
  /** The Dockerfile's name in the context. */
  readonly dockerfile: string
}

const fail = (message: string): never => {
  throw new ExitError(1, message)
}

/** Finds the context that PATH, URL or `-` names, with the Dockerfile of `-f`. */
export async function openContext(target: string, file: string): Promise<BuildContext> {
  if (target === '-') return fromStdin(file)
  if (/^(?:https?|git|ssh):\/\/|^git@|^github\.com\//.test(target))
    return { tar: null, remote: target, dockerfile: file }
  if (!existsSync(target)) return fail(`unable to prepare context: path "${target}" not found`)
  const root = resolve(target)
  if (!statSync(root).isDirectory())
    return fail(`unable to prepare context: context must be a directory: ${root}`)
  if (file === '-') {
    const text = await readAll()
    const name = `.dockerfile.${process.pid.toString(16)}`
    return {
      tar: contextTar(root, { dockerfile: name, extra: { name, content: Buffer.from(text) } }),
      remote: null,
      dockerfile: name,
    }
  }
  return fromFolder(root, file)
}

function fromFolder(root: string, file: string): BuildContext {
  const path = file === '' ? defaultFile(root) : findFile(root, file)
  if (!existsSync(path))
    return fail(
      `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
    )
  const inside = relative(root, path)
  if (inside.startsWith('..') || isAbsolute(inside)) {
    const name = `.dockerfile.${process.pid.toString(16)}`
    return {
      tar: contextTar(root, { dockerfile: name, extra: { name, content: readFileSync(path) } }),
      remote: null,
      dockerfile: name,
    }
  }
  return { tar: contextTar(root, { dockerfile: inside, extra: null }), remote: null, dockerfile: inside }
}

function defaultFile(root: string): string {
  const lower = join(root, 'dockerfile')
  return !existsSync(join(root, 'Dockerfile')) && existsSync(lower) ? lower : join(root, 'Dockerfile')
}

/** `-f` is taken from the working directory first, then from the context. */
function findFile(root: string, file: string): string {
  if (isAbsolute(file)) return file
  const here = resolve(file)
  return !existsSync(here) && existsSync(join(root, file)) ? join(root, file) : here
}

/** A tar of a directory without what its .dockerignore leaves out. */
export function folderTar(root: string): AsyncIterable<Uint8Array> {
  return contextTar(root, { dockerfile: '', extra: null })
}

interface TarOptions {
  readonly dockerfile: string
  readonly extra: { readonly name: string; readonly content: Buffer } | null
}

async function* contextTar(root: string, { dockerfile, extra }: TarOptions): AsyncGenerator<Uint8Array> {
  const ignore = parseIgnore(ignoreText(root, dockerfile))
  const needed = new Set([dockerfile, '.dockerignore'])
  if (extra !== null) {
    const archive = pack()
    archive.entry({ name: extra.name, mode: 0o600 }, extra.content)
    archive.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of archive as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
    // Without the two empty blocks at its end, so that the rest follows in the same archive.
    yield Buffer.concat(chunks).subarray(0, -1024)
  }
  yield* packTree({
    root,
    name: '',
    adjust: (header) => ({ ...header, uid: 0, gid: 0, uname: '', gname: '' }),
    select: (path, isDirectory) => {
      if (needed.has(path)) return { take: true, descend: true }
      if (!ignore.excludes(path)) return { take: true, descend: true }
      const leads = isDirectory && [...needed].some((name) => name.startsWith(`${path}/`))
      return { take: leads, descend: leads || (isDirectory && ignore.mayInclude(path)) }
    },
  })
}

/** `<Dockerfile>.dockerignore` goes before `.dockerignore`. */
function ignoreText(root: string, dockerfile: string): string {
  const own = join(root, dirname(dockerfile), `${basename(dockerfile)}.dockerignore`)
  const path = [own, join(root, '.dockerignore')].find(
    (candidate) => existsSync(candidate) && lstatSync(candidate).isFile(),
  )
  return path === undefined ? '' : readFileSync(path, 'utf8')
}

const archives: readonly (readonly number[])[] = [
  [0x1f, 0x8b],
  [0x42, 0x5a, 0x68],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
  [0x28, 0xb5, 0x2f, 0xfd],
]

/** Stdin is a context (a tar, perhaps compressed), or a Dockerfile without one. */
async function fromStdin(file: string): Promise<BuildContext> {
  if (file === '-') return fail("invalid argument: can't use stdin for both build context and dockerfile")
  const chunks = stdinChunks()
  let head: Buffer = Buffer.alloc(0)
  let ended = false
  while (head.length < 512 && !ended) {
    const { value, done } = await chunks.next()
    if (done === true) ended = true
    else head = Buffer.concat([head, value])
  }
  const isTar = head.length >= 262 && head.toString('latin1', 257, 262) === 'ustar'
  if (isTar || archives.some((magic) => magic.every((byte, at) => head[at] === byte))) {
    const whole = async function* (): AsyncGenerator<Uint8Array> {
      yield head
      if (!ended) yield* chunks
    }
    return { tar: whole(), remote: null, dockerfile: file }
  }
  if (file !== '') return fail('ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles')
  const parts = [head]
  if (!ended) for await (const chunk of chunks) parts.push(chunk)
  const archive = pack()
  archive.entry({ name: 'Dockerfile', mode: 0o600 }, Buffer.concat(parts))
  archive.finalize()
  return { tar: archive as unknown as AsyncIterable<Uint8Array>, remote: null, dockerfile: 'Dockerfile' }
}
