import { StringDecoder } from 'node:string_decoder'
import type { Digest } from '#base/digest.ts'
import { shortId } from '#base/ids.ts'
import { stateId } from '../image-config.ts'
import type { StepListener } from '../needs.ts'
import type { Step } from '../ops/context.ts'
import type { BuildState } from '../state.ts'
import type { BuildOutput, StepsOutput } from './build-output.ts'

/** Red, as Docker shows what a command writes to its standard error. */
const RED = '\x1b[91m'
const PLAIN = '\x1b[0m'

/** Tells a build in the words of Docker's classic builder: `Step 1/3 : …`, ` ---> …`, `Successfully built …`. */
export class ClassicOutput implements BuildOutput {
  readonly #progress: (message: object) => void
  readonly #quiet: boolean

  /** `quiet` tells the id of the image and nothing else. */
  constructor(progress: (message: object) => void, options: { readonly quiet: boolean }) {
    this.#progress = progress
    this.#quiet = options.quiet
  }

  message(line: object): void {
    if (!this.#quiet) this.#progress(line)
  }

  steps(steps: readonly Step[]): StepsOutput {
    return new ClassicSteps(steps, (line) => this.message(line))
  }

  task<T>(_name: string, work: () => Promise<T>): Promise<T> {
    return work()
  }

  built(imageId: Digest | null, names: readonly string[]): void {
    if (imageId === null) return
    this.#progress({ aux: { ID: imageId } })
    this.#progress({
      stream: this.#quiet ? `${imageId}\n` : `Successfully built ${shortId(imageId)}\n`,
    })
    for (const name of names) this.message({ stream: `Successfully tagged ${name}\n` })
  }
}

/** Stages run side by side but are told one after the other: the first that is not done is live, later ones wait their turn. */
class ClassicSteps implements StepsOutput {
  readonly #progress: (message: object) => void
  readonly #steps: readonly Step[]
  readonly #waiting = new Map<number, object[]>()
  readonly #unfinished = new Map<number, number>()
  #stages: number[]

  constructor(steps: readonly Step[], progress: (message: object) => void) {
    this.#steps = steps
    this.#progress = progress
    for (const step of steps) this.#unfinished.set(step.stage, (this.#unfinished.get(step.stage) ?? 0) + 1)
    this.#stages = [...this.#unfinished.keys()]
  }

  started(step: Step): void {
    const number = this.#steps.indexOf(step) + 1
    if (number > 0) this.#tell(step.stage, `Step ${number}/${this.#steps.length} : ${step.text}\n`)
  }

  finished(step: Step, outcome: { readonly cached: boolean; readonly result: BuildState }): void {
    if (!this.#steps.includes(step)) return
    if (outcome.cached) this.#tell(step.stage, ' ---> Using cache\n')
    this.#tell(step.stage, ` ---> ${shortId(stateId(outcome.result))}\n`)
    const left = (this.#unfinished.get(step.stage) as number) - 1
    this.#unfinished.set(step.stage, left)
    if (left === 0) this.#advance()
  }

  failed(step: Step): void {
    // What the stage had to say explains the failure, whichever stage it is.
    for (const message of this.#waiting.get(step.stage) ?? []) this.#progress(message)
    this.#waiting.delete(step.stage)
  }

  /** Who listens to the command of a RUN. */
  listener(step: Step): StepListener {
    const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
    return {
      created: (id) => this.#tell(step.stage, ` ---> Running in ${shortId(id)}\n`),
      output: (stream, bytes) => {
        const text = decoders[stream].write(Buffer.from(bytes))
        if (text !== '') this.#tell(step.stage, stream === 'stderr' ? `${RED}${text}${PLAIN}` : text)
      },
      removed: (id) => this.#tell(step.stage, ` ---> Removed intermediate container ${shortId(id)}\n`),
    }
  }

  #tell(stage: number, text: string): void {
    const message = { stream: text }
    if (this.#stages[0] === stage) this.#progress(message)
    else this.#waiting.set(stage, [...(this.#waiting.get(stage) ?? []), message])
  }

  #advance(): void {
    while (this.#stages.length > 0 && this.#unfinished.get(this.#stages[0] as number) === 0) {
      this.#stages = this.#stages.slice(1)
      const next = this.#stages[0]
      if (next === undefined) return
      for (const message of this.#waiting.get(next) ?? []) this.#progress(message)
      this.#waiting.delete(next)
    }
  }
}
