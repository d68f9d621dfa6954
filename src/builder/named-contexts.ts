import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { Archives } from '#images/archive.ts'
import { canonicalString, parseReference, withDefaultTag } from '#spec/reference.ts'
import { fetchGit, parseGitSource } from './git-source.ts'
import { fetchRemote } from './remote-context.ts'
import type { ClientSession } from './session/client-session.ts'

/** The name of the main build context. */
export const MAIN_CONTEXT = ''

/** The build contexts of one build: the main one, and those of `--build-context`, fetched when they are first used. */
export interface BuildContexts {
  /** Whether the name stands for a context. */
  has(name: string): boolean
  /** The image that a context is, as a reference or an id; null for one that is files. */
  image(name: string): Promise<string | null>
  /** The directory with a context's files. @throws InvalidArgumentError, and what fetching it throws */
  directory(name: string): Promise<string>
}

/** What contexts come from. */
export interface ContextSources {
  /** The directory of the main context. */
  readonly main: string
  /** By name, as `--build-context` says them: `local` and `oci-layout` come from the client. */
  readonly named: Readonly<Record<string, string>>
  readonly session: ClientSession | null
  readonly archives: Archives
  /** A directory of this build alone. */
  readonly tempRoot: string
  readonly signal: AbortSignal
  /** Stores an image that comes as a tar of an OCI layout with one image in it. */
  readonly loadImage: (tar: Duplex, signal: AbortSignal) => Promise<Digest>
}

/** @throws InvalidArgumentError for a context of no known kind */
export function createBuildContexts(sources: ContextSources): BuildContexts {
  const found = new Map<string, NamedContext>()
  for (const [name, source] of Object.entries(sources.named)) {
    found.set(keyOf(name), new NamedContext(name, { source, number: found.size, sources }))
  }
  const get = (name: string): NamedContext => {
    const context = found.get(keyOf(name))
    if (context === undefined) throw new InvalidArgumentError(`unknown build context "${name}"`)
    return context
  }
  return {
    has: (name) => name !== MAIN_CONTEXT && found.has(keyOf(name)),
    image: (name) => get(name).image(),
    directory: (name) => (name === MAIN_CONTEXT ? Promise.resolve(sources.main) : get(name).directory()),
  }
}

/** `alpine` and `docker.io/library/alpine:latest` are one name. */
function keyOf(name: string): string {
  try {
    return canonicalString(withDefaultTag(parseReference(name)))
  } catch {
    return name
  }
}

const IMAGE = 'docker-image://'
const LAYOUT = 'oci-layout://'

class NamedContext {
  readonly #name: string
  readonly #source: string
  readonly #number: number
  readonly #sources: ContextSources
  #directory: Promise<string> | null = null
  #image: Promise<string | null> | null = null

  constructor(name: string, at: { source: string; number: number; sources: ContextSources }) {
    this.#name = name
    this.#source = at.source
    this.#number = at.number
    this.#sources = at.sources
    const isKnown =
      this.#source === 'local' ||
      this.#source.startsWith(IMAGE) ||
      this.#source.startsWith(LAYOUT) ||
      parseGitSource(this.#source) !== null ||
      /^https?:\/\//.test(this.#source)
    if (!isKnown)
      throw new InvalidArgumentError(
        `unsupported context source ${JSON.stringify(this.#source)} for ${JSON.stringify(name)}`,
      )
  }

  image(): Promise<string | null> {
    this.#image ??= this.#findImage()
    return this.#image
  }

  directory(): Promise<string> {
    this.#directory ??= this.#fetch()
    return this.#directory
  }

  async #findImage(): Promise<string | null> {
    if (this.#source.startsWith(IMAGE)) return this.#source.slice(IMAGE.length)
    if (!this.#source.startsWith(LAYOUT)) return null
    return await this.#sources.loadImage(await this.#ask(), this.#sources.signal)
  }

  async #fetch(): Promise<string> {
    const { tempRoot, archives, signal } = this.#sources
    const git = parseGitSource(this.#source)
    if (git !== null) return await fetchGit(git, { tempRoot, keepGitDirectory: false, signal })
    const root = join(tempRoot, `context-${this.#number}`)
    await mkdir(root, { mode: 0o700 })
    const tar = this.#source === 'local' ? await this.#ask() : await this.#remoteTar()
    await archives.extract(root, '/', tar as AsyncIterable<Uint8Array>, { signal })
    return root
  }

  async #remoteTar(): Promise<AsyncIterable<Uint8Array>> {
    const remote = await fetchRemote(this.#source, this.#sources.signal)
    if ('tar' in remote) return remote.tar
    throw new InvalidArgumentError(`the build context "${this.#name}" is a text, not an archive`)
  }

  async #ask(): Promise<Duplex> {
    const { session, signal } = this.#sources
    if (session === null)
      throw new NotFoundError(`the build context "${this.#name}" is the client's, which has no session`)
    return await session.ask('context', this.#name, signal)
  }
}
