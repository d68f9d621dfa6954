import type { StepListener } from '../needs.ts'
import type { Step } from '../ops/context.ts'
import type { SolveObserver } from '../solver/vertex.ts'
import type { BuildState } from '../state.ts'
import type { Digest } from '#base/digest.ts'

/** Tells a client how a build goes, in one of the forms that clients read. */
export interface BuildOutput {
  /** What pulls and pushes say of themselves, and warnings: lines of the API. */
  message(line: object): void
  /** The steps of one platform. */
  steps(steps: readonly Step[], stageNames: ReadonlyMap<number, string>): StepsOutput
  /** Work of the build's own beside its steps: `exporting to image`. */
  task<T>(name: string, work: () => Promise<T>): Promise<T>
  /** The end: the image, if the result is one, and the names it has now. */
  built(imageId: Digest | null, names: readonly string[]): void
}

/** Told by the solver of the steps, and by the steps of their commands. */
export interface StepsOutput extends SolveObserver<BuildState> {
  listener(step: Step): StepListener
}
