import type { Digest } from '#base/digest.ts'
import type { Archives } from '#images/archive.ts'
import type { Layers } from '#images/layers/layers.ts'
import type { Materials } from '../attest/materials.ts'
import type { CacheDonor } from '../cache/donor.ts'
import type { BuildContexts } from '../named-contexts.ts'
import type { BuildLease, BuildRoots, StepContainers } from '../needs.ts'
import type { BuildState } from '../state.ts'
import type { Vertex } from '../solver/vertex.ts'
import type { ArgValues } from './metadata.ts'

/** What all steps of one build share. */
export interface StepContext {
  readonly layers: Layers
  readonly archives: Archives
  readonly roots: BuildRoots
  readonly containers: StepContainers
  readonly lease: BuildLease
  readonly contexts: BuildContexts
  /** Gathers what the build is made of. */
  readonly materials: Materials
  /** Images of earlier builds whose layers may be used (`--cache-from`). */
  readonly donors: readonly CacheDonor[]
  /** Disposed of when the build ends: for what a step may hold although its result comes from the cache. */
  readonly held: AsyncDisposableStack
  /** A directory for what lives as long as one step. */
  readonly tempRoot: string
  readonly args: ArgValues
  readonly escape: string
  /** SOURCE_DATE_EPOCH in milliseconds, or null. */
  readonly clampMs: number | null
  /** RFC 3339: the time that new history entries carry. */
  now(): string
}

/** A step of a stage, with what its output line says. */
export interface Step extends Vertex<BuildState> {
  /** The stage it belongs to. */
  readonly stage: number
  /** `FROM busybox`, as written. */
  readonly text: string
}

/** A layer that a step made. */
export interface MadeLayer {
  readonly diffId: Digest
  readonly sizeBytes: number
}
