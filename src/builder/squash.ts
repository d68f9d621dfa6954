import type { BuilderParts } from './builder-parts.ts'
import { stateId } from './image-config.ts'
import type { BuildLease } from './needs.ts'
import type { BuildState, HistoryEntry } from './state.ts'

/** `--squash`: the layers that the target's stage added to its base become one. */
export async function squash(
  state: BuildState,
  at: {
    readonly parts: BuilderParts
    readonly lease: BuildLease
    /** RFC 3339. */
    readonly now: string
    readonly latestSeconds: number | null
    readonly signal: AbortSignal
  },
): Promise<BuildState> {
  const base = state.layers.slice(0, state.baseLayers)
  if (state.layers.length - base.length < 2) return state
  const { roots, difference } = at.parts
  await using whole = await roots.mount(state.layers)
  await using below = await roots.mount(base)
  const layer = await difference(whole.root, below.root, {
    signal: at.signal,
    latestSeconds: at.latestSeconds,
  })
  await at.lease.hold([layer.diffId])
  let left = base.length
  // The history of what was squashed stays readable; the layer belongs to its last line.
  const history = state.history.map((entry): HistoryEntry => {
    if (entry.empty_layer === true) return entry
    left -= 1
    return left >= 0 ? entry : { ...entry, empty_layer: true }
  })
  const merged: HistoryEntry = {
    created: at.now,
    created_by: '',
    comment: `merge ${stateId(state)} to ${base.at(-1) ?? 'scratch'}`,
  }
  return { ...state, layers: [...base, layer.diffId], history: [...history, merged], imageId: null }
}
