import type { Digest } from '#base/digest.ts'
import type { KeyedLock } from '#base/keyed-lock.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { ImageRecord } from '#images/image-service.ts'
import type { BuildOptions, PlatformSpec } from '#spec/docker/options.ts'
import { parseReference, withDefaultTag } from '#spec/reference.ts'
import { type Material, Materials } from './attest/materials.ts'
import { buildArguments } from './build-arguments.ts'
import type { BuilderParts } from './builder-parts.ts'
import { CacheDirectories } from './cache/cache-directories.ts'
import type { CacheMountUses } from './cache/cache-mount-uses.ts'
import type { CacheDonor } from './cache/donor.ts'
import type { TracedCache } from './cache/traced-cache.ts'
import { DockerfileError } from './dockerfile/dockerfile-error.ts'
import { withSource } from './dockerfile/excerpt.ts'
import type { Origin } from './dockerfile/instructions.ts'
import type { Dockerfile } from './dockerfile/parse-dockerfile.ts'
import { buildHostConfig } from './host-limits.ts'
import { createMountMaker } from './mount-maker.ts'
import { type BuildContexts, createBuildContexts } from './named-contexts.ts'
import type { BuildLease, StepListener } from './needs.ts'
import type { Step } from './ops/context.ts'
import type { RunContext } from './ops/run-step.ts'
import { type BuildPlan, parsePlatform, planBuild } from './plan/plan.ts'
import type { BuildOutput } from './progress/build-output.ts'
import type { RegistryAuths } from './registry-auths.ts'
import type { ClientSession } from './session/client-session.ts'
import type { CacheRecord, SolveObserver } from './solver/vertex.ts'
import type { Solver } from './solver/solve.ts'
import type { BuildPlatform, BuildState } from './state.ts'

/** What one build has of its own. */
export interface BuildRunOptions {
  readonly parts: BuilderParts
  readonly solver: Solver<BuildState>
  readonly cache: TracedCache
  readonly uses: CacheMountUses
  readonly donors: readonly CacheDonor[]
  readonly locks: KeyedLock
  readonly stateImage: (state: BuildState) => Promise<{ readonly id: Digest } & AsyncDisposable>
  readonly options: BuildOptions
  readonly session: ClientSession | null
  readonly dockerfile: Dockerfile
  /** The Dockerfile's text and name, for errors. */
  readonly text: string
  readonly fileName: string
  /** The directory of the main context. */
  readonly root: string
  /** A directory of this build alone. */
  readonly directory: string
  readonly held: AsyncDisposableStack
  readonly lease: BuildLease
  readonly output: BuildOutput
  readonly auth: RegistryAuths
  readonly signal: AbortSignal
}

/** One build: its Dockerfile solved for one platform after another. */
export class BuildRun {
  readonly #run: BuildRunOptions
  readonly #contexts: BuildContexts
  readonly #clampMs: number | null
  readonly materials = new Materials()
  readonly #mounts: CacheDirectories

  constructor(run: BuildRunOptions) {
    this.#run = run
    this.#clampMs = epochMs(run.options)
    this.#mounts = new CacheDirectories({ ...run, ...run.parts, tempRoot: run.directory, cache: run.cache })
    this.#contexts = createBuildContexts({
      main: run.root,
      named: run.options.contexts,
      session: run.session,
      archives: run.parts.archives,
      tempRoot: run.directory,
      signal: run.signal,
      loadImage: async (tar, signal) => {
        const id = await run.parts.loadImage(tar, signal)
        run.held.defer(() => run.parts.discardImage(id))
        return id
      },
    })
  }

  /** The platforms that the build is for: those that were asked for, or the host's. */
  get platforms(): readonly (BuildPlatform | null)[] {
    const { platforms } = this.#run.options
    return platforms.length === 0 ? [null] : platforms.map(platformOf)
  }

  /** The directories of the cache mounts that the build used, as layers. */
  mountRecords(): Promise<readonly CacheRecord[]> {
    return this.#mounts.records(this.#run.signal)
  }

  /** Comes to the image for a platform; null is the host's. */
  async solve(platform: BuildPlatform | null): Promise<BuildState> {
    const { options, signal, solver } = this.#run
    let listen: ((step: Step) => StepListener) | null = null
    const context = this.#context(platform, (step) => (listen as NonNullable<typeof listen>)(step))
    const plan = await this.#plan(platform, context).catch((error: unknown) => {
      const { text, fileName } = this.#run
      throw error instanceof DockerfileError ? withSource(error, text, { fileName, line: error.line }) : error
    })
    const output = this.#run.output.steps(plan.steps, plan.stageNames)
    listen = (step) => output.listener(step)
    const filtered = new Set(options.noCacheFilter.map((name) => name.toLowerCase()))
    const isFiltered = (step: Step): boolean => filtered.has(plan.stageNames.get(step.stage) ?? '')
    let failing: Step | null = null
    const observer: SolveObserver<BuildState> = {
      started: (step) => output.started(step as Step),
      looked: (step, lookup) => output.looked?.(step as Step, lookup),
      finished: (step, outcome) => output.finished(step as Step, outcome),
      failed(step, error) {
        failing ??= step as Step
        output.failed(step as Step, error)
      },
    }
    const solved = solver.solve(plan.target, {
      cache: this.#run.cache,
      observer,
      signal,
      mayUseCache: (step) => !options.noCache && !isFiltered(step as Step),
    })
    return await solved.catch((error: unknown) => {
      const origin = failing === null ? undefined : plan.origins.get(failing)
      throw origin === undefined ? error : this.#locate(error, origin)
    })
  }

  /** An error of an instruction, with its place; that the build was cancelled has none. */
  #locate(error: unknown, { startLine, endLine }: Origin): unknown {
    const { signal, text, fileName } = this.#run
    return signal.aborted ? error : withSource(error, text, { fileName, line: startLine, endLine })
  }

  #plan(platform: BuildPlatform | null, context: RunContext): Promise<BuildPlan> {
    const { options, output, auth, signal, parts } = this.#run
    return planBuild(this.#run.dockerfile, {
      target: options.target,
      labels: options.labels,
      context,
      platform,
      hostPlatform: parts.hostPlatform,
      locate: (error, origin) => this.#locate(error, origin),
      resolve: async (reference, wanted) => {
        const image = await output.task(`[internal] load metadata for ${reference}`, async () =>
          parts.images.ensure(reference, {
            always: options.pull,
            platform: wanted === null ? null : { ...wanted, variant: wanted.variant ?? '' },
            auth: await auth(reference),
            progress: (line) => output.message(line),
            signal,
          }),
        )
        this.materials.add(imageMaterial(reference, image))
        return image
      },
    })
  }

  #context(platform: BuildPlatform | null, listener: RunContext['listener']): RunContext {
    const { options, parts, directory, held, lease, dockerfile, session } = this.#run
    const { layers, archives, roots, containers, hostPlatform } = parts
    const contexts = this.#contexts
    const clampMs = this.#clampMs
    return {
      layers,
      archives,
      roots,
      containers,
      held,
      lease,
      contexts,
      donors: this.#run.donors,
      materials: this.materials,
      tempRoot: directory,
      args: buildArguments(dockerfile, options.buildArgs, {
        build: hostPlatform,
        target: platform ?? hostPlatform,
      }),
      escape: dockerfile.directives.escape,
      clampMs,
      now: () => new Date(clampMs ?? Date.now()).toISOString(),
      mountMaker: createMountMaker({
        ids: parts.ids,
        directories: this.#mounts,
        roots,
        contexts,
        tempRoot: directory,
        session,
        secretRoot: parts.secretRoot,
      }),
      keepContainers: !options.removeIntermediate,
      hostPlatform,
      hostConfig: buildHostConfig(options),
      stateImage: this.#run.stateImage,
      listener,
    }
  }
}

/** An image as provenance names it: by the digest it was pulled under, else by its id. */
function imageMaterial(reference: string, image: ImageRecord): Material {
  const { domain, path, tag } = withDefaultTag(parseReference(reference))
  const name = domain === 'docker.io' ? path.replace(/^library\//, '') : `${domain}/${path}`
  const { os, architecture } = image.platform
  const digest = (image.repoDigests[0]?.split('@')[1] ?? image.id).slice('sha256:'.length)
  const version = tag === null ? '' : `@${tag}`
  return {
    uri: `pkg:docker/${name}${version}?platform=${encodeURIComponent(`${os}/${architecture}`)}`,
    digest: { sha256: digest },
  }
}

/** SOURCE_DATE_EPOCH in milliseconds; null where there is none. @throws InvalidArgumentError */
export function epochMs(options: BuildOptions): number | null {
  const epoch = options.buildArgs.SOURCE_DATE_EPOCH ?? null
  if (epoch === null || epoch === '') return null
  if (!/^\d{1,12}$/.test(epoch)) throw new InvalidArgumentError(`invalid SOURCE_DATE_EPOCH: ${epoch}`)
  return Number(epoch) * 1000
}

function platformOf({ os, architecture, variant }: PlatformSpec): BuildPlatform {
  return parsePlatform([os, architecture, variant].filter((part) => part != null && part !== '').join('/'))
}
