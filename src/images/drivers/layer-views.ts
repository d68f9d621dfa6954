import type { Digest } from '#base/digest.ts'

/** Layers as directories that can be looked into and stacked. */
export interface LayerViews {
  /** The directory that shows the layer, until `release`; counted. @throws NotFoundError when it is not stored */
  acquire(diffId: Digest): string
  release(diffId: Digest): void
  /** The layer goes: its view goes first, used or not (who uses it holds it open by an own reference in the kernel). */
  drop(diffId: Digest): void
  /** The daemon ends: what nobody uses is taken away. */
  close(): void
}
