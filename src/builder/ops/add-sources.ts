import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdtemp, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Materials } from '../attest/materials.ts'
import type { Archives } from '#images/archive.ts'
import { fetchGit, parseGitSource } from '../git-source.ts'
import type { CopyRequest } from './copy-request.ts'
import { ownedByRoot, type SelectedSource, selectSources } from './file-selection.ts'

interface AddOptions {
  readonly keyword: string
  readonly excludes: readonly string[]
  readonly signal: AbortSignal
  readonly archives: Archives
  /** Where downloads and unpacked archives go meanwhile. */
  readonly tempRoot: string
  readonly materials: Materials
  /** Told of each temporary directory, to be removed when the layer is made. */
  defer(path: string): void
}

/** The longest download of an `ADD https://…`. */
const MAX_DOWNLOAD_BYTES = 16 * 1024 ** 3

/** The sources of an ADD: what COPY takes, downloads, and archives unpacked. */
export async function addSources(
  root: string,
  request: CopyRequest,
  options: AddOptions,
): Promise<SelectedSource[]> {
  const found: SelectedSource[] = []
  for (const source of request.sources) {
    const git = parseGitSource(source)
    if (git !== null) {
      const tempRoot = await temporary(options)
      const directory = await fetchGit(git, {
        tempRoot,
        keepGitDirectory: request.keepGitDir,
        commit: request.checksum,
        signal: options.signal,
      })
      found.push(...(await selectSources(directory, ['.'], options)).map(ownedByRoot))
      continue
    }
    if (/^https?:\/\//i.test(source)) {
      const file = await download(source, request, options)
      found.push(...(request.unpack === true ? await unpacked([file], options) : [file]))
      continue
    }
    const local = (await selectSources(root, [source], options)).map(ownedByRoot)
    found.push(...(request.unpack === false ? local : await unpacked(local, options)))
  }
  return found
}

async function temporary(options: AddOptions): Promise<string> {
  const directory = await mkdtemp(join(options.tempRoot, 'add-'))
  options.defer(directory)
  // Its mode becomes that of a directory in the image.
  await chmod(directory, 0o755)
  return directory
}

async function download(url: string, request: CopyRequest, options: AddOptions): Promise<SelectedSource> {
  const name = basename(new URL(url).pathname)
  if (name === '' && request.destination.endsWith('/')) {
    throw new InvalidArgumentError(`cannot determine filename for ${url}: the destination must name a file`)
  }
  const directory = await temporary(options)
  const path = join(directory, name === '' ? 'download' : name)
  const response = await fetch(url, { signal: options.signal, redirect: 'follow' }).catch(
    (error: unknown) => {
      throw new InvalidArgumentError(
        `ADD failed: cannot download ${url}: ${String((error as Error).cause ?? error)}`,
      )
    },
  )
  if (!response.ok || response.body === null) {
    throw new InvalidArgumentError(
      `ADD failed: failed to GET ${url} with status ${response.status} ${response.statusText}`,
    )
  }
  const hash = createHash('sha256')
  let sizeBytes = 0
  const checked = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length
      if (sizeBytes > MAX_DOWNLOAD_BYTES) throw new InvalidArgumentError(`ADD failed: ${url} is too large`)
      hash.update(chunk)
      yield chunk
    }
  }
  await pipeline(
    Readable.fromWeb(response.body as never),
    checked,
    createWriteStream(path, { mode: 0o600 }),
    {
      signal: options.signal,
    },
  )
  const digest = `sha256:${hash.digest('hex')}`
  if (request.checksum !== null && request.checksum !== digest) {
    throw new InvalidArgumentError(`digest mismatch ${digest}: ${request.checksum}`)
  }
  options.materials.add({ uri: url, digest: { sha256: digest.slice('sha256:'.length) } })
  const modified = Date.parse(response.headers.get('last-modified') ?? '')
  const [source] = await selectSources(directory, [basename(path)], options)
  const [file] = (source as SelectedSource).files
  return {
    ...(source as SelectedSource),
    files: [
      { ...file, mode: 0o600, mtimeMs: Number.isNaN(modified) ? 0 : modified } as (typeof source &
        object)['files'][number],
    ],
  }
}

/** Replaces each local archive among the sources by the directory of what is in it. */
async function unpacked(sources: readonly SelectedSource[], options: AddOptions): Promise<SelectedSource[]> {
  const result: SelectedSource[] = []
  for (const source of sources) {
    const path = source.isDirectory ? null : (source.files[0]?.path ?? null)
    const stream = path === null ? null : await tarStream(path, options)
    if (stream === null) {
      result.push(source)
      continue
    }
    const directory = await temporary(options)
    await options.archives.extract(directory, '/', stream, { signal: options.signal })
    const [content] = (await selectSources(directory, ['.'], options)) as [SelectedSource]
    result.push({ ...content, isUnpacked: true })
  }
  return result
}

/** The bytes of a file that is a tar, compressed or not; null for all others, which ADD copies as they are. */
async function tarStream(path: string, options: AddOptions): Promise<AsyncIterable<Uint8Array> | null> {
  if ((await stat(path)).size === 0) return null
  const inflated = options.archives.inflated(createReadStream(path), { signal: options.signal })
  // Who unpacks it finds out again how it is compressed.
  const found = await isTar(inflated)
  options.signal.throwIfAborted()
  return found ? createReadStream(path) : null
}

async function isTar(stream: AsyncIterable<Uint8Array>): Promise<boolean> {
  let head = Buffer.alloc(0)
  try {
    for await (const chunk of stream) {
      head = Buffer.concat([head, chunk])
      if (head.length >= 262) break
    }
  } catch {
    return false
  }
  return head.toString('latin1', 257, 262) === 'ustar'
}
