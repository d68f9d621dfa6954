import type { Digest } from '#base/digest.ts'
import { newId } from '#base/ids.ts'
import { messageOf } from '#errors/errors.ts'
import type { BuildEnd } from '#spec/build-history.ts'
import type { BuildOptions } from '#spec/docker/options.ts'
import type { Step } from '../ops/context.ts'
import type { BuildOutput, StepsOutput } from '../progress/build-output.ts'
import { nameOf } from '../progress/status-output.ts'
import type { KeyParts, Lookup } from '../solver/vertex.ts'
import { OutputLog } from './output-log.ts'

const MAX_LOG_BYTES = 256 * 1024
/** An error message may hold what a command wrote. */
const MAX_ERROR_LENGTH = 4_096

/** A step as it went. */
export interface RecordedStep {
  readonly platform: string
  readonly stage: string
  readonly text: string
  /** The text of the step before it in its stage; '' for the first. */
  readonly before: string
  readonly name: string
  /** Null when it ended before the cache was asked. */
  lookup: Lookup | null
  cached: boolean
  finished: boolean
  durationMs: number
  error: string
  parts: KeyParts
}

/** A build that has ended. */
export interface RecordedBuild {
  readonly id: string
  readonly startedMs: number
  readonly durationMs: number
  readonly dockerfile: string
  readonly target: string
  readonly tags: readonly string[]
  readonly platforms: readonly string[]
  readonly result: BuildEnd
  readonly error: string
  readonly imageId: string
  readonly steps: readonly RecordedStep[]
  readonly log: string
  /** Which flag kept steps from the cache. */
  readonly noCacheFlag: string
}

/** Listens to one build, in memory; `end` is what is kept of it. */
export class BuildRecorder {
  readonly #options: BuildOptions
  readonly #startedMs = Date.now()
  readonly #steps: RecordedStep[] = []
  readonly #log = new OutputLog(MAX_LOG_BYTES)
  readonly #platforms: readonly string[]
  #platformsDone = 0
  #imageId = ''
  #result: BuildEnd = 'success'
  #error = ''

  constructor(options: BuildOptions) {
    this.#options = options
    this.#platforms = options.platforms.map(({ os, architecture, variant }) =>
      [os, architecture, variant].filter((part) => part != null && part !== '').join('/'),
    )
  }

  /** The same output, listened to. */
  around(output: BuildOutput): BuildOutput {
    return {
      message: (line) => output.message(line),
      task: (name, work) => output.task(name, work),
      steps: (steps, stageNames) => this.#around(output.steps(steps, stageNames), steps, stageNames),
      built: (imageId: Digest | null, names) => {
        this.#imageId = imageId ?? ''
        output.built(imageId, names)
      },
    }
  }

  failed(error: unknown, { cancelled }: { readonly cancelled: boolean }): void {
    this.#result = cancelled ? 'cancelled' : 'error'
    this.#error = messageOf(error).slice(0, MAX_ERROR_LENGTH)
  }

  end(): RecordedBuild {
    const { dockerfile, target, tags, noCache } = this.#options
    return {
      id: newId(),
      startedMs: this.#startedMs,
      durationMs: Date.now() - this.#startedMs,
      dockerfile: dockerfile === '' ? 'Dockerfile' : dockerfile,
      target,
      tags,
      platforms: this.#platforms,
      result: this.#result,
      error: this.#error,
      imageId: this.#imageId,
      steps: this.#steps,
      log: this.#logText(),
      noCacheFlag: noCache ? '--no-cache' : '--no-cache-filter',
    }
  }

  #around(output: StepsOutput, steps: readonly Step[], stageNames: ReadonlyMap<number, string>): StepsOutput {
    const platform = this.#platforms[this.#platformsDone++] ?? ''
    const records = new Map<unknown, { readonly record: RecordedStep; readonly startedMs: number }>()
    const start = (step: Step): void => {
      const own = steps.filter(({ stage }) => stage === step.stage)
      const record: RecordedStep = {
        platform,
        stage: stageNames.get(step.stage) ?? String(step.stage),
        text: step.text,
        before: own[own.indexOf(step) - 1]?.text ?? '',
        name: nameOf(step, steps, stageNames),
        ...{ lookup: null, cached: false, finished: false, durationMs: 0, error: '', parts: new Map() },
      }
      this.#steps.push(record)
      records.set(step, { record, startedMs: performance.now() })
    }
    const note = (step: unknown, news: Partial<RecordedStep>): void => {
      const found = records.get(step)
      if (found === undefined) return
      const durationMs = Math.round(performance.now() - found.startedMs)
      Object.assign(found.record, { durationMs, ...news })
    }
    return {
      started: (step) => {
        start(step as Step)
        output.started(step)
      },
      looked: (step, lookup) => {
        note(step, { lookup, parts: step.keyParts?.() ?? new Map() })
        output.looked?.(step, lookup)
      },
      finished: (step, outcome) => {
        note(step, { cached: outcome.cached, finished: true })
        output.finished(step, outcome)
      },
      failed: (step, error) => {
        note(step, { error: messageOf(error).slice(0, MAX_ERROR_LENGTH) })
        output.failed(step, error)
      },
      listener: (step) => {
        const listener = output.listener(step)
        return {
          ...listener,
          output: (stream, bytes) => {
            const found = records.get(step)
            if (found !== undefined) this.#log.add(found.record, bytes)
            listener.output(stream, bytes)
          },
        }
      },
    }
  }

  #logText(): string {
    const parts = this.#log.isCut ? ['(the beginning was not kept)\n'] : []
    const texts = this.#log.texts()
    for (const step of this.#steps) {
      const text = texts.get(step) ?? ''
      parts.push(
        `${step.name}${step.cached ? ' CACHED' : ''}\n`,
        text,
        text === '' || text.endsWith('\n') ? '' : '\n',
      )
      if (step.error !== '') parts.push(`ERROR: ${step.error}\n`)
    }
    return parts.join('')
  }
}
