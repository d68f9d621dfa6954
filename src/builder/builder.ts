import { statfsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import {
  errnoOf,
  InvalidArgumentError,
  messageOf,
  NotFoundError,
  NotImplementedError,
} from '#errors/errors.ts'
import type { ImageRecord } from '#images/image-service.ts'
import { mountTable, umountAll } from '#kernel/mounts.ts'
import type { PastBuild, PastBuildDetails } from '#spec/build-history.ts'
import type { BuildCache as BuildCacheUsage } from '#spec/docker/build.ts'
import type { BuildOptions, BuildPruneOptions } from '#spec/docker/options.ts'
import type { Ignore } from '#spec/docker/ignore-file.ts'
import type { OciImageConfig } from '#spec/oci/image.ts'
import { familiarString, parseReference, type Reference, withDefaultTag } from '#spec/reference.ts'
import { attest, parseAttestations } from './attest/attestations.ts'
import { unusedArguments } from './build-arguments.ts'
import { ignoreOf, openBuildContext } from './build-context.ts'
import { BuildRun, epochMs } from './build-run.ts'
import type { BuilderParts } from './builder-parts.ts'
import { exportCaches } from './cache/cache-export.ts'
import { withRecords } from './cache/cache-image.ts'
import { importCaches } from './cache/cache-import.ts'
import { parseCacheSources, parseCacheTargets } from './cache/cache-places.ts'
import { TracedCache } from './cache/traced-cache.ts'
import { CacheMountUses, cacheMountOfKey, reconcileCacheMounts } from './cache/cache-mount-uses.ts'
import type { CachePolicy } from './cache/gc-policy.ts'
import { type CacheSurroundings, chooseDoomed, describeCache, type Doomed, leavesAll } from './cache/prune.ts'
import { DockerfileError } from './dockerfile/dockerfile-error.ts'
import { withSource } from './dockerfile/excerpt.ts'
import { type Dockerfile, parseDockerfile } from './dockerfile/parse-dockerfile.ts'
import { type Exported, exportImages } from './export/exporter.ts'
import type { Attestation, BuiltImage } from './export/image-set.ts'
import { type BuildOutput, parseOutputs } from './export/outputs.ts'
import { BuildRecorder } from './history/build-recorder.ts'
import { imageConfigOf } from './image-config.ts'
import { describeFindings, lintDockerfile } from './lint/lint.ts'
import { BuildkitSessions } from './session/buildkit-session.ts'
import { type ClientSession, ClientSessions } from './session/client-session.ts'
import { sweepSecretDirectories } from './session/secret-directory.ts'
import { registryAuths } from './registry-auths.ts'
import { ClassicOutput } from './progress/classic-output.ts'
import { StatusOutput } from './progress/status-output.ts'
import type { CacheRecord } from './solver/vertex.ts'
import { Solver } from './solver/solve.ts'
import { squash } from './squash.ts'
import type { BuildPlatform, BuildState } from './state.ts'

/** Builds images from Dockerfiles: text, graph, solver and steps put together. */
export class Builder {
  readonly builderVersion = '1'
  readonly #options: BuilderParts
  readonly #uses: CacheMountUses
  /** What builds that run side by side share. */
  readonly #shared = { solver: new Solver<BuildState>(), locks: new KeyedLock() }
  readonly #sessions = new ClientSessions()
  /** BuildKit's clients. */
  readonly sessions = new BuildkitSessions()
  readonly #running = new Map<string, AbortController>()
  /** How many commands run on an image that only they need. */
  readonly #users = new Map<Digest, number>()

  constructor(options: BuilderParts) {
    this.#options = options
    this.#uses = new CacheMountUses(options.cache, options.sizeOf)
  }

  /** Removes what builds of a dead daemon left, and makes the directories. */
  async open(): Promise<void> {
    await sweepSecretDirectories(this.#options.secretRoot)
    for (const { mountPoint } of mountTable())
      if (mountPoint.startsWith(`${this.#temp}/`)) umountAll(mountPoint)
    await rm(this.#temp, { recursive: true, force: true })
    await mkdir(this.#temp, { recursive: true, mode: 0o700 })
    const mounts = join(this.#options.directory, 'cache')
    await mkdir(mounts, { recursive: true, mode: 0o700 })
    await reconcileCacheMounts(this.#options.cache, await readdir(mounts))
  }

  get #temp(): string {
    return join(this.#options.directory, 'tmp')
  }

  /** `POST /build`. @throws InvalidArgumentError, BuildStepError and what pulling throws. */
  async build(context: Readable | null, options: BuildOptions): Promise<void> {
    refuseUnsupported(options)
    const tags = options.tags.map(parseTag)
    const asked = options.outputs.length === 0 ? [{ Type: 'image' }] : options.outputs
    const outputs = parseOutputs(asked, tags)
    const cacheSources = parseCacheSources(options.cacheFrom)
    const attestations = parseAttestations(options.attestations)
    const startedOn = new Date().toISOString()
    const cacheTargets = parseCacheTargets(options.cacheTo)
    const abort = new AbortController()
    const signal = AbortSignal.any([options.signal, abort.signal])
    if (options.buildId !== '') this.#running.set(options.buildId, abort)
    const directory = await mkdtemp(join(this.#temp, 'build-'))
    const recorder = new BuildRecorder(options)
    try {
      await using held = new AsyncDisposableStack()
      await using lease = await this.#options.leases.take(`build ${directory}`)
      const session = options.clientSession === '' ? null : this.#sessions.get(options.clientSession)
      const { root, dockerfile: text } = await openBuildContext(
        { tar: context, remote: options.remote, dockerfile: options.dockerfile, directory, signal },
        this.#options.archives,
      )
      if (options.call === 'check') return check(text, options, await ignoreOf(root))
      const fileName = options.dockerfile === '' ? 'Dockerfile' : options.dockerfile
      const dockerfile = parseLocated(text, fileName)
      const output = recorder.around(
        options.builderVersion === '2' && !options.quiet
          ? new StatusOutput(options.progress)
          : new ClassicOutput(options.progress, options),
      )
      const progress = (line: object): void => output.message(line)
      const { solver, locks } = this.#shared
      const parts = this.#options
      // The classic builder takes from the images named and from nothing else; BuildKit from its own cache too.
      const readsOwn = options.builderVersion === '2' || options.cacheFrom.length === 0
      const cache = new TracedCache(parts.cache, { readsOwn })
      const auth = registryAuths(options, this.sessions)
      const pull = async (name: string): Promise<ImageRecord> =>
        parts.images.ensure(name, {
          always: true,
          platform: null,
          auth: await auth(name),
          progress: () => {},
          signal,
        })
      const imports = { parts, cache, session, lease, held, pull, progress, signal }
      const donors = await importCaches(cacheSources, imports)
      const run = new BuildRun({
        parts,
        solver,
        cache,
        uses: this.#uses,
        donors,
        locks,
        stateImage: (state) => this.#stateImage(state),
        options,
        session,
        dockerfile,
        text,
        fileName,
        root,
        directory,
        held,
        lease,
        output,
        auth,
        signal,
      })
      const states: BuildState[] = []
      for (const platform of run.platforms) {
        const state = await run.solve(platform)
        const clampMs = epochMs(options)
        const now = new Date(clampMs ?? Date.now()).toISOString()
        const latestSeconds = clampMs === null ? null : clampMs / 1000
        const at = { parts, lease, now, latestSeconds, signal }
        states.push(options.squash ? await squash(state, at) : state)
      }
      const inline = cacheTargets.some(({ kind }) => kind === 'inline') ? cache.used() : null
      const facts = {
        ...{ parts, options, dockerfile: text, startedOn, clampMs: epochMs(options), signal },
        materials: run.materials.list(),
      }
      const attested = (state: BuildState) => attest(state, attestations, facts)
      const toExport = { options, outputs, inline, attested, session, signal }
      const { imageId, names, metadata } = await output.task('exporting to image', () =>
        this.#export(states, toExport),
      )
      await cache.settled()
      await exportCaches(cacheTargets, {
        parts,
        session,
        records: cache.used(),
        states,
        mounts: () => run.mountRecords(),
        push: (name) => this.#push(name, { options, signal }),
        progress,
        signal,
      })
      for (const name of unusedArguments(dockerfile, options.buildArgs)) {
        progress({ stream: `[Warning] One or more build-args [${name}] were not consumed\n` })
      }
      if (session !== null) options.progress({ aux: { Metadata: metadata } })
      output.built(imageId, names.map(familiarString))
    } catch (error) {
      recorder.failed(error, { cancelled: signal.aborted })
      throw error
    } finally {
      this.#running.delete(options.buildId)
      await rm(directory, { recursive: true, force: true })
      if (options.call !== 'check') this.#keep(recorder)
      this.#collect().catch((error: unknown) =>
        this.#options.log.warn('the build cache cannot be pruned', { error: messageOf(error) }),
      )
    }
  }

  /** Remembers a build that has ended; nobody waits for it. */
  #keep(recorder: BuildRecorder): void {
    const { history, log } = this.#options
    history
      .keep(recorder.end())
      .catch((error: unknown) =>
        log.warn('a build cannot be put into the history', { error: messageOf(error) }),
      )
  }

  /** `GET /build/history`: newest first. */
  history(): Promise<readonly PastBuild[]> {
    return this.#options.history.list()
  }

  /** `GET /build/history/{id}`. @throws NotFoundError */
  pastBuild(id: string): Promise<PastBuildDetails> {
    return this.#options.history.get(id)
  }

  /** `POST /build/prune`. @throws InvalidArgumentError */
  async prune(
    options: BuildPruneOptions,
  ): Promise<{ CachesDeleted: readonly string[] | null; SpaceReclaimed: number }> {
    const { entries, reclaimedBytes } = await this.#forget(options)
    return {
      CachesDeleted: entries.length === 0 ? null : entries.map(({ key }) => key.slice(0, 25)),
      SpaceReclaimed: reclaimedBytes,
    }
  }

  /** The build cache as `GET /system/df` lists it. */
  diskUsage(): readonly BuildCacheUsage[] {
    return describeCache(this.#options.cache, this.#around())
  }

  /** Applies the policies of `builder.gc`, after a build. */
  async #collect(): Promise<void> {
    for (const policy of this.#options.policies) {
      if (!leavesAll(this.#options.cache, policy, this.#around())) await this.#forget(policy)
    }
  }

  /** Lets records go, with the directories of cache mounts; their layers go with the next collection. */
  async #forget(policy: CachePolicy): Promise<Doomed> {
    const { cache, directory, collectGarbage } = this.#options
    const doomed = chooseDoomed(cache, policy, this.#around())
    if (doomed.entries.length === 0) return doomed
    for (const { key } of doomed.entries) {
      const name = cacheMountOfKey(key)
      if (name === null) continue
      // Out of sight at once; a mount that comes now finds none and makes its own.
      const away = await mkdtemp(join(this.#temp, 'pruned-'))
      await rename(join(directory, 'cache', name), join(away, name)).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error
      })
      await failpoint('builder.prune.before-forget')
      await rm(away, { recursive: true, force: true })
    }
    await cache.remove(doomed.entries.map(({ key }) => key))
    collectGarbage()
    return doomed
  }

  #around(): CacheSurroundings {
    const { bavail, bsize } = statfsSync(this.#options.directory)
    return {
      imageLayers: () => this.#options.imageLayers(),
      isInUse: (key) => this.#uses.isInUse(key),
      freeBytes: () => bavail * bsize,
    }
  }

  /** `POST /build/cancel`. @throws NotFoundError */
  cancel(buildId: string): Promise<void> {
    const abort = this.#running.get(buildId)
    if (abort === undefined) return Promise.reject(new NotFoundError(`build ${buildId} not found`))
    abort.abort(new InvalidArgumentError('build cancelled'))
    return Promise.resolve()
  }

  /** `POST /build/session`: serves a client until it leaves. */
  session(connection: Duplex): Promise<void> {
    return this.#sessions.serve(connection)
  }

  /** `POST /build/session/{session}/{call}`. @throws NotFoundError */
  answer(sessionId: string, call: string): (connection: Duplex) => void {
    return this.#sessions.get(sessionId).answer(call)
  }

  async #export(
    states: readonly BuildState[],
    at: {
      readonly options: BuildOptions
      readonly outputs: readonly BuildOutput[]
      /** The records to put into the image (`--cache-to=type=inline`). */
      readonly inline: readonly CacheRecord[] | null
      readonly attested: (state: BuildState) => Promise<readonly Attestation[]>
      readonly session: ClientSession | null
      readonly signal: AbortSignal
    },
  ): Promise<Exported> {
    const { images, layers, archives, roots, content } = this.#options
    const describe = async (state: BuildState): Promise<BuiltImage> => {
      const attestations = await at.attested(state)
      const { imageId: id, platform } = state
      const config = id === null ? imageConfigOf(state) : images.get(id).config
      // A state that is an image still is that image, byte for byte.
      if (id !== null) return { platform, config, configBytes: images.configBytes(id), attestations }
      const whole = at.inline === null ? config : withRecords(config, at.inline)
      return { platform, config: whole, configBytes: Buffer.from(JSON.stringify(whole)), attestations }
    }
    const built = await Promise.all(states.map(describe))
    return await exportImages(hostFirst(built, this.#options.hostPlatform), at.outputs, {
      images,
      layers,
      archives,
      roots,
      content,
      session: at.session,
      signal: at.signal,
      push: (name, signal) => this.#push(name, { options: at.options, signal }),
    })
  }

  async #push(
    name: Reference,
    at: { readonly options: BuildOptions; readonly signal: AbortSignal },
  ): Promise<Digest | null> {
    let digest: Digest | null = null
    const { tag, ...repository } = name
    await this.#options.push({
      repository: familiarString({ ...repository, tag: null }),
      tag,
      platform: null,
      auth: await registryAuths(at.options, this.sessions)(familiarString(name)),
      signal: at.signal,
      progress(message) {
        const aux = 'aux' in message ? (message.aux as { Digest?: Digest } | null) : null
        digest = aux?.Digest ?? digest
        if (!at.options.quiet && aux === null) at.options.progress(message)
      },
    })
    return digest
  }

  /**
   * The image that a RUN's container is made from: the layers and nothing else, since the step says itself how the
   * command runs. Kept as long as a command uses it.
   */
  async #stateImage(state: BuildState): Promise<{ readonly id: Digest } & AsyncDisposable> {
    const { os, architecture } = state.platform
    const config: OciImageConfig = {
      architecture,
      os,
      config: {},
      rootfs: { type: 'layers', diff_ids: state.layers },
    }
    const key = JSON.stringify(config)
    using _held = await this.#shared.locks.acquire(key)
    const { id } = await this.#options.images.create({ config, parent: null, references: [] })
    this.#users.set(id, (this.#users.get(id) ?? 0) + 1)
    const release = async (): Promise<void> => {
      using _again = await this.#shared.locks.acquire(key)
      const users = (this.#users.get(id) as number) - 1
      this.#users.set(id, users)
      if (users > 0) return
      this.#users.delete(id)
      await this.#options.discardImage(id)
    }
    return { id, [Symbol.asyncDispose]: release }
  }
}

/** Tells what the build checks find. @throws InvalidArgumentError when the Dockerfile says that findings are errors. */
function check(text: string, options: BuildOptions, ignore: Ignore | null): void {
  const result = lintDockerfile(text, ignore)
  const fileName = options.dockerfile === '' ? 'Dockerfile' : options.dockerfile
  options.progress({ stream: describeFindings(result, text, fileName) })
  if (result.isError && result.findings.length > 0) throw new InvalidArgumentError('lint violation found')
}

function parseTag(tag: string) {
  return withDefaultTag(parseReference(tag))
}

/** Parses, and shows the lines of what is wrong. @throws DockerfileError, InvalidArgumentError */
function parseLocated(text: string, fileName: string): Dockerfile {
  try {
    return parseDockerfile(text)
  } catch (error) {
    throw error instanceof DockerfileError ? withSource(error, text, { fileName, line: error.line }) : error
  }
}

/** The image that names stand for comes first: the host's, if it is among them. */
function hostFirst(built: readonly BuiltImage[], host: BuildPlatform): readonly BuiltImage[] {
  const isHost = ({ platform }: BuiltImage): boolean => platform.architecture === host.architecture
  return built.toSorted((a, b) => Number(isHost(b)) - Number(isHost(a)))
}

function refuseUnsupported(options: BuildOptions): void {
  if (options.call !== '' && options.call !== 'check')
    throw new InvalidArgumentError(`unknown call ${JSON.stringify(options.call)}`)
  if (options.remote === 'client-session') {
    throw new NotImplementedError(
      "the context of this build is in a BuildKit session, which Wharf does not read: send it as the request's body, or set DOCKER_BUILDKIT=0",
    )
  }
}
