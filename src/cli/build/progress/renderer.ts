import type { StepChange } from './build-view.ts'

/** Shows a build as it goes. */
export interface BuildRenderer {
  show(changes: readonly StepChange[]): void
  /** The build is over; what is on the screen stays. */
  end(): void
}
