import { createHash } from 'node:crypto'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { BuildState } from '../state.ts'
import type { CachedValue } from '../solver/vertex.ts'
import { Scope } from '../variables.ts'
import type { Step, StepContext } from './context.ts'
import { BEFORE, keyParts } from './key-parts.ts'
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
  let parts: Readonly<Record<string, string>> = {}
  return {
    name: instruction.text,
    text: instruction.text,
    stage: at.stage,
    inputs: [at.input],
    cacheKey([state]) {
      parts = {
        [BEFORE]: stateKey(state as BuildState),
        instruction: apply(state as BuildState).createdBy,
        ...(context.clampMs === null ? {} : { SOURCE_DATE_EPOCH: ` epoch ${context.clampMs}` }),
      }
      const hash = createHash('sha256').update(Object.values(parts).join(''))
      return Promise.resolve(hash.digest('hex'))
    },
    keyParts: () => keyParts(parts),
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
