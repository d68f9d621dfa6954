import type { Sink } from '../../core/progress.ts'
import type { BuildRenderer } from './renderer.ts'
import { secondsOf, type ShownStep, type StepChange } from './build-view.ts'

/** One line for everything that happens, as BuildKit's `--progress=plain` writes it: `#3 [2/2] RUN make`, `#3 0.120 …`, `#3 DONE 0.4s`. */
export class PlainRenderer implements BuildRenderer {
  readonly #out: Sink
  #last: ShownStep | null = null

  constructor(out: Sink) {
    this.#out = out
  }

  show(changes: readonly StepChange[]): void {
    for (const change of changes) this.#change(change)
  }

  end(): void {
    if (this.#last !== null) this.#out.write('\n')
  }

  #change(change: StepChange): void {
    const { step } = change
    const id = `#${String(step.number)}`
    // Output of steps that run side by side is told apart by a blank line and the step's name.
    if (this.#last !== step) {
      this.#out.write(`${this.#last === null ? '' : '\n'}${id} ${step.vertex.name}\n`)
    }
    this.#last = step
    if (change.kind === 'line') {
      this.#out.write(`${id} ${secondsOf(step, change.timeMs).toFixed(3)} ${change.line}\n`)
    } else if (change.kind === 'ended') {
      const { error, cached } = step.vertex
      const end = cached ? 'CACHED' : `DONE ${secondsOf(step).toFixed(1)}s`
      this.#out.write(`${id} ${error === '' ? end : `ERROR: ${error}`}\n`)
    }
  }
}
