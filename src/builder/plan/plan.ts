import { InvalidArgumentError } from '#errors/errors.ts'
import type { ImageRecord } from '#images/image-service.ts'
import { DockerfileError } from '../dockerfile/dockerfile-error.ts'
import { flagValue } from '../dockerfile/instruction-flags.ts'
import type { Instruction, InstructionOf, Origin } from '../dockerfile/instructions.ts'
import { type Dockerfile, parseTrigger, type Stage } from '../dockerfile/parse-dockerfile.ts'
import { MAIN_CONTEXT } from '../named-contexts.ts'
import type { Step } from '../ops/context.ts'
import { type CopySource, copyStep } from '../ops/copy-step.ts'
import { isMetadata } from '../ops/metadata.ts'
import { metadataStep } from '../ops/metadata-step.ts'
import { type RunContext, runStep } from '../ops/run-step.ts'
import { workdirStep } from '../ops/workdir-step.ts'
import type { BuildPlatform } from '../state.ts'
import { Scope } from '../variables.ts'
import { fromStep, imageState, scratchState } from './from-step.ts'

/** The graph of a build. */
export interface BuildPlan {
  /** What the build comes to. */
  readonly target: Step
  /** Every step that is needed, stage by stage, in the order of the Dockerfile. */
  readonly steps: readonly Step[]
  /** Where each step stands in the Dockerfile; those of triggers and of the request stand nowhere. */
  readonly origins: ReadonlyMap<Step, Origin>
  /** The names of the stages in use, by stage; for `--no-cache-filter`. */
  readonly stageNames: ReadonlyMap<number, string>
}

/** What a plan is made from beside the Dockerfile. */
export interface PlanOptions {
  /** `--target`: a stage's name or number; empty for the last. */
  readonly target: string
  readonly labels: Readonly<Record<string, string>>
  readonly context: RunContext
  /** Null: the host's. */
  readonly platform: BuildPlatform | null
  readonly hostPlatform: BuildPlatform
  /** Tells where in the Dockerfile an error comes from. */
  readonly locate: (error: unknown, origin: Origin) => unknown
  /** Finds or pulls an image. */
  readonly resolve: (reference: string, platform: BuildPlatform | null) => Promise<ImageRecord>
}

/**
 * Turns a Dockerfile into a graph. Only stages that the target needs are looked at: images of others are not pulled.
 * @throws DockerfileError, InvalidArgumentError, and what `resolve` throws.
 */
export async function planBuild(dockerfile: Dockerfile, options: PlanOptions): Promise<BuildPlan> {
  const planner = new Planner(dockerfile, options)
  return await planner.plan()
}

class Planner {
  readonly #stages: readonly Stage[]
  readonly #options: PlanOptions
  /** The ends of the stages planned so far. */
  readonly #ends = new Map<number, Promise<Step>>()
  readonly #steps = new Map<number, Step[]>()
  readonly #images = new Map<string, Promise<ImageRecord>>()
  readonly #origins = new Map<Step, Origin>()

  constructor(dockerfile: Dockerfile, options: PlanOptions) {
    this.#stages = dockerfile.stages
    this.#options = options
  }

  async plan(): Promise<BuildPlan> {
    const index = this.#targetIndex()
    let target = await this.#stage(index)
    const labels = Object.entries(this.#options.labels)
    if (labels.length > 0) {
      const pairs = labels.map(([name, value]) => ({ name, value: quoted(value) }))
      const text = `LABEL ${labels.map(([name, value]) => `${name}=${value}`).join(' ')}`
      const origin = { text, startLine: 0, endLine: 0 }
      target = this.#add(index, metadataStep({ kind: 'label', pairs, ...origin }, this.#at(index, target)))
    }
    const indexes = [...this.#steps.keys()].sort((a, b) => a - b)
    return {
      target,
      origins: this.#origins,
      steps: indexes.flatMap((stage) => this.#steps.get(stage) as Step[]),
      stageNames: new Map(indexes.map((stage) => [stage, this.#stages[stage]?.from.name ?? String(stage)])),
    }
  }

  #targetIndex(): number {
    const { target } = this.#options
    if (target === '') return this.#stages.length - 1
    const index = this.#indexOf(target, this.#stages.length)
    if (index === null)
      throw new InvalidArgumentError(`target stage ${JSON.stringify(target)} could not be found`)
    return index
  }

  /** The stage of this name or number before `before`; the last one where a name is used twice. */
  #indexOf(name: string, before: number): number | null {
    for (let index = before - 1; index >= 0; index -= 1) {
      if (this.#stages[index]?.from.name === name.toLowerCase() || name === String(index)) return index
    }
    return null
  }

  #stage(index: number): Promise<Step> {
    const known = this.#ends.get(index)
    if (known !== undefined) return known
    const end = this.#planStage(index)
    this.#ends.set(index, end)
    return end
  }

  async #planStage(index: number): Promise<Step> {
    const { from, instructions } = this.#stages[index] as Stage
    // A context takes the place of a stage of its name.
    if (from.name !== null && this.#options.context.contexts.has(from.name))
      return this.#add(index, await this.#contextStep(from.name, { text: from.text, stage: index }))
    const scope = new Scope(this.#options.context.args.global, this.#options.context.escape)
    const base = scope.word(from.base)
    if (base === '') throw new DockerfileError(from.startLine, `base name (${from.base}) should not be blank`)
    const earlier = this.#indexOf(base, index)
    let triggers: readonly string[] = []
    let step: Step
    if (earlier !== null) {
      step = fromStep(from.text, { stage: index, begin: { step: await this.#stage(earlier) } })
      const { instructions: before } = this.#stages[earlier] as Stage
      triggers = before.flatMap((one) => (one.kind === 'onbuild' ? [one.trigger] : []))
    } else if (await this.#isFiles(base)) {
      step = await this.#contextStep(base, { text: from.text, stage: index })
    } else {
      const platform = this.#platform(from, scope)
      if (base === 'scratch') {
        const state = scratchState(platform ?? this.#options.hostPlatform)
        step = fromStep(from.text, { stage: index, begin: { state } })
      } else {
        const state = imageState(await this.#image(base, platform))
        triggers = state.config.OnBuild ?? []
        const { OnBuild: _used, ...config } = state.config
        step = fromStep(from.text, {
          stage: index,
          begin: { state: triggers.length === 0 ? state : { ...state, config, imageId: null } },
        })
      }
    }
    this.#origins.set(this.#add(index, step), from)
    for (const trigger of triggers.map(parseTrigger))
      step = this.#add(index, await this.#step(trigger, index, step))
    for (const instruction of instructions) {
      try {
        step = this.#add(index, await this.#step(instruction, index, step))
      } catch (error) {
        throw this.#options.locate(error, instruction)
      }
      this.#origins.set(step, instruction)
    }
    return step
  }

  #platform(from: InstructionOf<'from'>, scope: Scope): BuildPlatform | null {
    if (from.platform === null) return this.#options.platform
    return parsePlatform(scope.word(from.platform))
  }

  #image(reference: string, platform: BuildPlatform | null): Promise<ImageRecord> {
    const key = JSON.stringify([reference, platform])
    const known = this.#images.get(key) ?? this.#resolve(reference, platform)
    this.#images.set(key, known)
    return known
  }

  async #resolve(reference: string, platform: BuildPlatform | null): Promise<ImageRecord> {
    const { contexts } = this.#options.context
    const named = contexts.has(reference) ? await contexts.image(reference) : null
    return await this.#options.resolve(named ?? reference, platform)
  }

  /** Tells whether the name is that of a context which is files, as opposed to an image. */
  async #isFiles(name: string): Promise<boolean> {
    const { contexts } = this.#options.context
    return contexts.has(name) && (await contexts.image(name)) === null
  }

  /** What a context is as the end of a stage: its image, or its files as one layer. */
  async #contextStep(name: string, at: { readonly text: string; readonly stage: number }): Promise<Step> {
    const { stage, text } = at
    if (!(await this.#isFiles(name))) {
      const state = imageState(await this.#image(name, this.#options.platform))
      return fromStep(text, { stage, begin: { state } })
    }
    const state = scratchState(this.#options.platform ?? this.#options.hostPlatform)
    const input = fromStep(text, { stage, begin: { state } })
    const copy = parseTrigger('COPY . /') as InstructionOf<'copy'>
    const from: CopySource = { kind: 'context', name }
    return copyStep({ ...copy, text }, { ...this.#at(stage, input), from })
  }

  #add(stage: number, step: Step): Step {
    const steps = this.#steps.get(stage) ?? []
    steps.push(step)
    this.#steps.set(stage, steps)
    return step
  }

  #at(stage: number, input: Step) {
    return { stage, input, context: this.#options.context }
  }

  async #step(instruction: Instruction, stage: number, input: Step): Promise<Step> {
    const at = this.#at(stage, input)
    if (isMetadata(instruction)) return metadataStep(instruction, at)
    switch (instruction.kind) {
      case 'workdir':
        return workdirStep(instruction, at)
      case 'copy':
      case 'add': {
        const name = flagValue(instruction.flags, 'from')
        const from: CopySource =
          name === null
            ? { kind: 'context', name: MAIN_CONTEXT }
            : await this.#source(name, stage, instruction.startLine)
        return copyStep(instruction, { ...at, from })
      }
      case 'run': {
        const from = new Map<string, Step>()
        for (const mount of instruction.flags.get('mount') ?? []) {
          const name = /(?:^|,)from=([^,]*)/.exec(mount)?.[1]
          if (name === undefined) continue
          const source = await this.#source(name, stage, instruction.startLine)
          if (source.kind === 'step') from.set(name, source.step)
        }
        return runStep(instruction, { ...at, from })
      }
      case 'from':
        throw new DockerfileError(instruction.startLine, 'FROM is not allowed here')
    }
  }

  async #source(written: string, stage: number, line: number): Promise<CopySource> {
    const { context } = this.#options
    const name = new Scope(context.args.global, context.escape).word(written)
    if (await this.#isFiles(name)) return { kind: 'context', name }
    if (name.toLowerCase() === this.#stages[stage]?.from.name || name === String(stage)) {
      throw new DockerfileError(line, `invalid from flag value ${name}: refers to current build stage`)
    }
    const earlier = this.#indexOf(name, stage)
    if (earlier !== null) return { kind: 'step', step: await this.#stage(earlier) }
    if (/^\d+$/.test(name))
      throw new DockerfileError(line, `invalid from flag value ${name}: no such build stage`)
    const state = imageState(await this.#image(name, this.#options.platform))
    return { kind: 'step', step: fromStep(`FROM ${name}`, { stage, begin: { state } }) }
  }
}

/** A value as a word of the Dockerfile language that expands to itself. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", `'"'"'`)}'`
}

/** Parses `os/arch[/variant]`, with the names that Docker treats as one. @throws InvalidArgumentError */
export function parsePlatform(text: string): BuildPlatform {
  const [os, architecture, variant, ...rest] = text.toLowerCase().split('/')
  if (os === undefined || os === '' || rest.length > 0)
    throw new InvalidArgumentError(`invalid platform "${text}"`)
  const names: Readonly<Record<string, string>> = { x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64' }
  if (architecture === undefined) {
    const known = ['amd64', 'arm64', 'arm', '386', 'ppc64le', 's390x', 'riscv64']
    const alone = names[os] ?? os
    if (known.includes(alone)) return { os: 'linux', architecture: alone, variant: null }
    throw new InvalidArgumentError(`"${text}": unknown operating system or architecture: invalid argument`)
  }
  return { os, architecture: names[architecture] ?? architecture, variant: variant ?? null }
}
