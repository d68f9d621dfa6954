import { createHash } from 'node:crypto'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { BuildState } from '../state.ts'
import type { CachedValue } from '../solver/vertex.ts'
import { Scope } from '../variables.ts'
import type { Step, StepContext } from './context.ts'
import { applyMetadata, type Change, type MetadataKeyword } from './metadata.ts'
import { nextState } from './next-state.ts'
import { stateKey } from './state-key.ts'

/** A step that only changes the configuration. The cache keeps its time, so that the image's id stays the same. */
export function metadataStep(
  instruction: InstructionOf<MetadataKeyword>,
  at: { readonly stage: number; readonly input: Step; readonly context: StepContext },
): Step {
  const { context } = at
  const apply = (state: BuildState): Change =>
    applyMetadata(state, instruction, { scope: Scope.of(state, context.escape), args: context.args })
  const come = (state: BuildState, value: CachedValue, cached: boolean): BuildState =>
    nextState(state, { changes: apply(state).state, value, cached })
  return {
    name: instruction.text,
    text: instruction.text,
    stage: at.stage,
    inputs: [at.input],
    cacheKey([state]) {
      const hash = createHash('sha256')
        .update(stateKey(state as BuildState))
        .update(apply(state as BuildState).createdBy)
        .update(context.clampMs === null ? '' : ` epoch ${context.clampMs}`)
      return Promise.resolve(hash.digest('hex'))
    },
    recall: (record, [state]) =>
      Promise.resolve(come(state as BuildState, record, (state as BuildState).cached)),
    borrow([state]) {
      const before = state as BuildState
      const description = apply(before).createdBy
      for (const donor of context.donors) {
        const next = donor.next(before, description)
        if (next === null || next.layer !== null) continue
        const { created } = next
        const value: CachedValue = { layer: null, sizeBytes: 0, created, description, type: 'internal' }
        return Promise.resolve({ result: come(before, value, before.cached), record: value })
      }
      return Promise.resolve(null)
    },
    execute([state]) {
      const value: CachedValue = {
        layer: null,
        sizeBytes: 0,
        created: context.now(),
        description: apply(state as BuildState).createdBy,
        type: 'internal',
      }
      return Promise.resolve({ result: come(state as BuildState, value, false), record: value })
    },
  }
}
