import type { ImageLayer } from '#spec/image-layers.ts'
import type { ImageRecord } from './image-service.ts'

/** The layers of an image, lowest first, each with the step of the history that made it. */
export function imageLayers(image: ImageRecord, layerSizes: readonly number[]): ImageLayer[] {
  const steps = (image.config.history ?? []).filter((step) => step.empty_layer !== true)
  return image.layers.map((diffId, index) => ({
    DiffID: diffId,
    Size: layerSizes[index] ?? 0,
    CreatedBy: steps[index]?.created_by ?? '',
    Created: steps[index]?.created ?? null,
    Comment: steps[index]?.comment ?? '',
  }))
}
