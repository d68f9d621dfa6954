import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import { failpoint } from '#base/failpoint.ts'
import { KeyedLock } from '#base/keyed-lock.ts'
import { shortId } from '#base/ids.ts'
import { InvalidArgumentError, NotFoundError, NotImplementedError } from '#errors/errors.ts'
import type { Archives } from '#images/archive.ts'
import type { Images } from '#images/image-service.ts'
import type { Layers } from '#images/layers/layers.ts'
import { mountTable, umountAll } from '#kernel/mounts.ts'
import type { BuildCache as BuildCacheUsage } from '#spec/docker/build.ts'
import type { BuildOptions, BuildPruneOptions } from '#spec/docker/options.ts'
import type { OciImageConfig } from '#spec/oci/image.ts'
import { familiarString, parseReference, withDefaultTag } from '#spec/reference.ts'
import { buildArguments, unusedArguments } from './build-arguments.ts'
import { openBuildContext } from './build-context.ts'
import type { BuildCache } from './cache/build-cache.ts'
import { describeCache, pruneCache } from './cache/prune.ts'
import { ClassicOutput } from './classic-output.ts'
import { type Dockerfile, parseDockerfile } from './dockerfile/parse-dockerfile.ts'
import { buildHostConfig } from './host-limits.ts'
import { imageConfigOf } from './image-config.ts'
import { describeFindings, lintDockerfile } from './lint/lint.ts'
import { createMountMaker } from './mount-maker.ts'
import type { BuildLease, BuildLeases, BuildRoots, StepContainers, StepListener } from './needs.ts'
import { createBuildContexts } from './named-contexts.ts'
import type { Step } from './ops/context.ts'
import type { RunContext } from './ops/run-step.ts'
import { type BuildPlan, parsePlatform, planBuild } from './plan/plan.ts'
import { ClientSessions } from './session/client-session.ts'
import { sweepSecretDirectories } from './session/secret-directory.ts'
import { Solver } from './solver/solve.ts'
import type { BuildPlatform, BuildState } from './state.ts'
import type { IdMap } from '#base/id-map.ts'
import type { Digest } from '#base/digest.ts'

/** What the builder is made of. */
export interface BuilderOptions {
  readonly images: Images
  readonly layers: Layers
  readonly archives: Archives
  readonly roots: BuildRoots
  readonly containers: StepContainers
  readonly leases: BuildLeases
  readonly cache: BuildCache
  /** A directory that is the builder's alone: `cache/` in it stays, `tmp/` is emptied at start. */
  readonly directory: string
  /** A directory for mounts in memory, the builder's alone. */
  readonly secretRoot: string
  readonly hostPlatform: BuildPlatform
  /** The user namespace that commands run in (`userns-remap`); null is the host's. */
  readonly ids: IdMap | null
  /** The layers that images name: forgetting a record of one frees nothing. */
  readonly imageLayers: () => ReadonlySet<Digest>
  /** Starts a collection in the background: layers of forgotten records go. */
  readonly collectGarbage: () => void
  /** Stores the one image of an OCI layout, a tar. */
  readonly loadImage: (tar: Duplex, signal: AbortSignal) => Promise<Digest>
  /** Gives up the image of an intermediate state. */
  readonly discardImage: (id: Digest) => Promise<void>
}

/** Builds images from Dockerfiles: text, graph, solver and steps put together. */
export class Builder {
  readonly builderVersion = '1'
  readonly #options: BuilderOptions
  readonly #solver = new Solver<BuildState>()
  readonly #locks = new KeyedLock()
  readonly #sessions = new ClientSessions()
  readonly #running = new Map<string, AbortController>()
  /** How many commands run on an image that only they need. */
  readonly #users = new Map<Digest, number>()

  constructor(options: BuilderOptions) {
    this.#options = options
  }

  /** Removes what builds of a dead daemon left, and makes the directories. */
  async open(): Promise<void> {
    await sweepSecretDirectories(this.#options.secretRoot)
    for (const { mountPoint } of mountTable())
      if (mountPoint.startsWith(`${this.#temp}/`)) umountAll(mountPoint)
    await rm(this.#temp, { recursive: true, force: true })
    await mkdir(this.#temp, { recursive: true, mode: 0o700 })
    await mkdir(join(this.#options.directory, 'cache'), { recursive: true, mode: 0o700 })
  }

  get #temp(): string {
    return join(this.#options.directory, 'tmp')
  }

  /** `POST /build`. @throws InvalidArgumentError, BuildStepError and what pulling throws. */
  async build(context: Readable | null, options: BuildOptions): Promise<void> {
    refuseUnsupported(options)
    const tags = options.tags.map(parseTag)
    const abort = new AbortController()
    const signal = AbortSignal.any([options.signal, abort.signal])
    if (options.buildId !== '') this.#running.set(options.buildId, abort)
    const directory = await mkdtemp(join(this.#temp, 'build-'))
    try {
      await using held = new AsyncDisposableStack()
      await using lease = await this.#options.leases.take(`build ${directory}`)
      const { root, dockerfile: text } = await openBuildContext(
        { tar: context, remote: options.remote, dockerfile: options.dockerfile, directory, signal },
        this.#options.archives,
      )
      if (options.call === 'check') return check(text, options)
      const dockerfile = parseDockerfile(text)
      const progress = options.quiet ? () => {} : options.progress
      const state = await this.#solve(dockerfile, { options, root, directory, held, lease, progress, signal })
      await failpoint('builder.image.before-create')
      const id = await this.#store(state, tags)
      options.progress({ aux: { ID: id } })
      for (const name of unusedArguments(dockerfile, options.buildArgs)) {
        progress({ stream: `[Warning] One or more build-args [${name}] were not consumed\n` })
      }
      options.progress({ stream: options.quiet ? `${id}\n` : `Successfully built ${shortId(id)}\n` })
      for (const tag of options.tags)
        progress({ stream: `Successfully tagged ${familiarString(parseTag(tag))}\n` })
    } finally {
      this.#running.delete(options.buildId)
      await rm(directory, { recursive: true, force: true })
    }
  }

  /** `POST /build/prune`. @throws InvalidArgumentError */
  async prune(
    options: BuildPruneOptions,
  ): Promise<{ CachesDeleted: readonly string[] | null; SpaceReclaimed: number }> {
    const { keys, reclaimedBytes } = await pruneCache(
      this.#options.cache,
      options,
      this.#options.imageLayers(),
    )
    this.#options.collectGarbage()
    return {
      CachesDeleted: keys.length === 0 ? null : keys.map((key) => key.slice(0, 25)),
      SpaceReclaimed: reclaimedBytes,
    }
  }

  /** The build cache as `GET /system/df` lists it. */
  diskUsage(): readonly BuildCacheUsage[] {
    return describeCache(this.#options.cache, this.#options.imageLayers())
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

  async #solve(
    dockerfile: Dockerfile,
    build: {
      readonly options: BuildOptions
      readonly root: string
      readonly directory: string
      readonly held: AsyncDisposableStack
      readonly lease: BuildLease
      readonly progress: (message: object) => void
      readonly signal: AbortSignal
    },
  ): Promise<BuildState> {
    const { options, signal, progress } = build
    let listen: ((step: { readonly stage: number }) => StepListener) | null = null
    const context = this.#context(dockerfile, {
      ...build,
      listener: (step) => (listen as NonNullable<typeof listen>)(step),
    })
    const plan = await this.#plan(dockerfile, context, build)
    const output = new ClassicOutput(plan.steps, progress)
    listen = (step) => output.listener(step)
    const filtered = new Set(options.noCacheFilter.map((name) => name.toLowerCase()))
    const isFiltered = (step: Step): boolean => filtered.has(plan.stageNames.get(step.stage) ?? '')
    return await this.#solver.solve(plan.target, {
      cache: this.#options.cache,
      observer: output,
      signal,
      mayUseCache: (step) => !options.noCache && !isFiltered(step as Step),
    })
  }

  #plan(
    dockerfile: Dockerfile,
    context: RunContext,
    build: {
      readonly options: BuildOptions
      readonly progress: (message: object) => void
      readonly signal: AbortSignal
    },
  ): Promise<BuildPlan> {
    const { options, progress, signal } = build
    return planBuild(dockerfile, {
      target: options.target,
      labels: options.labels,
      context,
      platform: platformOf(options),
      hostPlatform: this.#options.hostPlatform,
      resolve: (reference, platform) =>
        this.#options.images.ensure(reference, {
          always: options.pull,
          platform:
            platform === null
              ? null
              : { os: platform.os, architecture: platform.architecture, variant: platform.variant ?? '' },
          auth: authFor(options, reference),
          progress,
          signal,
        }),
    })
  }

  #context(
    dockerfile: Dockerfile,
    build: {
      readonly options: BuildOptions
      readonly root: string
      readonly directory: string
      readonly held: AsyncDisposableStack
      readonly lease: BuildLease
      readonly signal: AbortSignal
      readonly listener: RunContext['listener']
    },
  ): RunContext {
    const { options, root } = build
    const { layers, archives, roots, containers, hostPlatform } = this.#options
    const epoch = options.buildArgs.SOURCE_DATE_EPOCH ?? null
    if (epoch !== null && !/^\d+$/.test(epoch))
      throw new InvalidArgumentError(`invalid SOURCE_DATE_EPOCH: ${epoch}`)
    const clampMs = epoch === null ? null : Number(epoch) * 1000
    const session = options.clientSession === '' ? null : this.#sessions.get(options.clientSession)
    const contexts = createBuildContexts({
      main: root,
      named: options.contexts,
      session,
      archives,
      tempRoot: build.directory,
      signal: build.signal,
      loadImage: async (tar, signal) => {
        const id = await this.#options.loadImage(tar, signal)
        build.held.defer(() => this.#options.discardImage(id))
        return id
      },
    })
    return {
      layers,
      archives,
      roots,
      containers,
      held: build.held,
      lease: build.lease,
      contexts,
      tempRoot: build.directory,
      args: buildArguments(dockerfile, options.buildArgs, {
        build: hostPlatform,
        target: platformOf(options) ?? hostPlatform,
      }),
      escape: dockerfile.directives.escape,
      clampMs,
      now: () => new Date(clampMs ?? Date.now()).toISOString(),
      mountMaker: createMountMaker({
        ids: this.#options.ids,
        roots,
        contexts,
        cacheRoot: join(this.#options.directory, 'cache'),
        tempRoot: build.directory,
        locks: this.#locks,
        archives,
        session,
        secretRoot: this.#options.secretRoot,
      }),
      keepContainers: !options.removeIntermediate,
      hostPlatform,
      hostConfig: buildHostConfig(options),
      stateImage: (state) => this.#stateImage(state),
      listener: build.listener,
    }
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
    using _held = await this.#locks.acquire(key)
    const { id } = await this.#options.images.create({ config, parent: null, references: [] })
    this.#users.set(id, (this.#users.get(id) ?? 0) + 1)
    const release = async (): Promise<void> => {
      using _again = await this.#locks.acquire(key)
      const users = (this.#users.get(id) as number) - 1
      this.#users.set(id, users)
      if (users > 0) return
      this.#users.delete(id)
      await this.#options.discardImage(id)
    }
    return { id, [Symbol.asyncDispose]: release }
  }

  async #store(state: BuildState, tags: readonly ReturnType<typeof parseTag>[]): Promise<Digest> {
    const config = imageConfigOf(state)
    if (state.imageId !== null && tags.length === 0) return state.imageId
    if (state.imageId !== null) {
      const base = this.#options.images.get(state.imageId)
      return (
        await this.#options.images.create({ config: base.config, parent: base.parent, references: tags })
      ).id
    }
    return (await this.#options.images.create({ config, parent: null, references: tags })).id
  }
}

/** Tells what the build checks find. @throws InvalidArgumentError when the Dockerfile says that findings are errors. */
function check(text: string, options: BuildOptions): void {
  const result = lintDockerfile(text)
  const fileName = options.dockerfile === '' ? 'Dockerfile' : options.dockerfile
  options.progress({ stream: describeFindings(result, text, fileName) })
  if (result.isError && result.findings.length > 0) throw new InvalidArgumentError('lint violation found')
}

function parseTag(tag: string) {
  return withDefaultTag(parseReference(tag))
}

function platformOf(options: BuildOptions): BuildPlatform | null {
  if (options.platform === null) return null
  const { os, architecture, variant } = options.platform
  return parsePlatform([os, architecture, variant].filter((part) => part != null && part !== '').join('/'))
}

function authFor(options: BuildOptions, reference: string) {
  const domain = parseReference(reference).domain
  const names =
    domain === 'docker.io'
      ? ['https://index.docker.io/v1/', 'index.docker.io', domain]
      : [domain, `https://${domain}`]
  for (const name of names) {
    const auth = options.auth[name]
    if (auth !== undefined) return auth
  }
  return null
}

function refuseUnsupported(options: BuildOptions): void {
  if (options.call !== '' && options.call !== 'check')
    throw new InvalidArgumentError(`unknown call ${JSON.stringify(options.call)}`)
  if (options.builderVersion === '2') {
    throw new NotImplementedError(
      'BuildKit builds need a session, which this daemon does not serve: set DOCKER_BUILDKIT=0',
    )
  }
  if (options.squash) throw new InvalidArgumentError('squash is only supported with experimental mode')
  if (options.outputs.length > 0)
    throw new NotImplementedError('build outputs are not supported: save or export the image')
  if (options.cacheFrom.length > 0) {
    options.progress({ stream: '[Warning] --cache-from is not used: the cache of this daemon is\n' })
  }
}
