import type { Logger } from '#base/logger.ts'
import type { Blobs } from '#store/blobs.ts'
import type { Database } from '#store/database.ts'
import type { ContentHolds } from './content-holds.ts'
import type { ImageRecord } from './image-service.ts'
import type { ImageStore } from './image-store.ts'
import type { LayerBlobs } from './layer-blobs.ts'
import type { Layers } from './layers/layers.ts'
import type { PartialBlobs } from './partial-blobs.ts'

/** What can happen to an image, in Docker's words. */
export type ImageAction =
  'create' | 'delete' | 'import' | 'load' | 'prune' | 'pull' | 'push' | 'save' | 'tag' | 'untag'

/** Where images are kept: what everything that moves images in and out works on. */
export interface ImageContent {
  readonly database: Database
  readonly store: ImageStore
  readonly layers: Layers
  readonly layerBlobs: LayerBlobs
  readonly blobs: Blobs
  readonly partials: PartialBlobs
  readonly holds: ContentHolds
  readonly log: Logger
  /** Tells of an event; `id` is the actor's: an image's id, or the name that was pulled or pushed. */
  notify(
    action: ImageAction,
    subject: { readonly id: string; readonly image: ImageRecord; readonly name?: string },
  ): void
}
