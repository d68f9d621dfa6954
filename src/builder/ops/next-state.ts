import type { BuildState } from '../state.ts'
import type { CachedValue } from '../solver/vertex.ts'
import type { Digest } from '#base/digest.ts'

/** The comment that BuildKit leaves on each history entry, by which tools know how to read `created_by`. */
const COMMENT = 'buildkit.dockerfile.v0'

/** The state after a step: its changes, its layer, and one more line of history. */
export function nextState(
  before: BuildState,
  step: {
    readonly changes?: Partial<BuildState>
    readonly value: CachedValue
    readonly cached: boolean
  },
): BuildState {
  const { value } = step
  const entry = { created: value.created, created_by: value.description, comment: COMMENT }
  return {
    ...before,
    ...step.changes,
    layers: value.layer === null ? before.layers : [...before.layers, value.layer as Digest],
    history: [...before.history, value.layer === null ? { ...entry, empty_layer: true } : entry],
    cached: step.cached,
    imageId: null,
  }
}
