import { createHash } from 'node:crypto'
import type { Digest } from '#base/digest.ts'
import { failpoint } from '#base/failpoint.ts'
import type { BuildState } from '../state.ts'
import type { CachedValue } from '../solver/vertex.ts'
import type { MadeLayer, Step, StepContext } from './context.ts'
import { keyParts } from './key-parts.ts'
import { nextState } from './next-state.ts'

/** What decides a layer: text by name, and digests of files, which the text need not repeat. */
export interface LayerKey {
  readonly parts: Readonly<Record<string, string>>
  /** By name; a digest of all of them is among the parts. */
  readonly files?: ReadonlyMap<string, string>
}

/** How a step that makes a layer does its work. */
export interface LayerWork {
  readonly stage: number
  readonly text: string
  readonly inputs: readonly Step[]
  readonly context: StepContext
  /** For `builder du`. */
  readonly type: string
  /** Everything that decides the layer. */
  key(inputs: readonly BuildState[], signal: AbortSignal): Promise<LayerKey>
  /** What the step changes beside the layer. */
  changes?(state: BuildState): Partial<BuildState>
  /** For the history. */
  createdBy(state: BuildState): string
  /** Tells whether a layer of an earlier build is what `make` would make; without it, that is what the history says. */
  resembles?(layer: Digest, inputs: readonly BuildState[], signal: AbortSignal): Promise<boolean>
  /** Makes the layer and holds it (`heldLayer`); null when there is nothing to add. */
  make(inputs: readonly BuildState[], signal: AbortSignal): Promise<MadeLayer | null>
}

/**
 * Holds a layer by the build's lease in the turn in which it comes: whatever were awaited before that, an unmount or the
 * removal of a container, would let a garbage collection take it.
 */
export async function heldLayer(
  context: Pick<StepContext, 'lease'>,
  making: Promise<MadeLayer>,
): Promise<MadeLayer> {
  const layer = await making
  await context.lease.hold([layer.diffId])
  return layer
}

/** A step that makes a layer; the layer is held by the build's lease before the step ends. */
export function layerStep(work: LayerWork): Step {
  const { context } = work
  const come = (state: BuildState, value: CachedValue, cached: boolean): BuildState =>
    nextState(state, {
      ...(work.changes === undefined ? {} : { changes: work.changes(state) }),
      value,
      cached,
    })
  let key: LayerKey = { parts: {} }
  return {
    name: work.text,
    text: work.text,
    stage: work.stage,
    inputs: work.inputs,
    async cacheKey(inputs, signal) {
      const own = await work.key(inputs, signal)
      const epoch = context.clampMs === null ? {} : { SOURCE_DATE_EPOCH: String(context.clampMs) }
      key = { ...own, parts: { ...own.parts, ...epoch } }
      return createHash('sha256').update(JSON.stringify(key.parts)).digest('hex')
    },
    keyParts: () => keyParts(key.parts, key.files),
    async recall(record, inputs) {
      if (record.layer !== null) {
        await context.lease.hold([record.layer as Digest])
        if (!context.layers.has(record.layer as Digest)) return null
      }
      const state = inputs[0] as BuildState
      return come(state, record, state.cached)
    },
    async borrow(inputs, signal) {
      const state = inputs[0] as BuildState
      const line = work.createdBy(state)
      for (const donor of context.donors) {
        const next = donor.next(state, line)
        if (next === null) continue
        if (next.layer !== null) {
          await context.lease.hold([next.layer])
          if (!context.layers.has(next.layer)) continue
          if (work.resembles !== undefined && !(await work.resembles(next.layer, inputs, signal))) continue
        }
        const sizeBytes = next.layer === null ? 0 : context.layers.get(next.layer).sizeBytes
        const { layer, created } = next
        const value: CachedValue = { layer, sizeBytes, created, description: line, type: work.type }
        return { result: come(state, value, state.cached), record: value }
      }
      return null
    },
    async execute(inputs, signal) {
      const state = inputs[0] as BuildState
      const layer = await work.make(inputs, signal)
      await failpoint('builder.step.before-keep')
      const value: CachedValue = {
        layer: layer?.diffId ?? null,
        sizeBytes: layer?.sizeBytes ?? 0,
        created: context.now(),
        description: work.createdBy(state),
        type: work.type,
      }
      return { result: come(state, value, false), record: value }
    },
  }
}
