import type { Client } from '#client/client.ts'
import type { ImageLayer, LayerFile } from '#spec/image-layers.ts'
import {
  type Change,
  type ExploredFile,
  type HiddenPath,
  type LayerFigures,
  LayerStack,
} from './layer-stack.ts'

/** One layer of the image, with what it does. */
export interface ExploredLayer extends ImageLayer, LayerFigures {
  readonly number: number
  readonly files: readonly LayerFile[]
}

/** An image taken apart. */
export interface Exploration {
  readonly name: string
  readonly id: string
  readonly sizeBytes: number
  /** Lowest first. */
  readonly layers: readonly ExploredLayer[]
  /** Bytes that are in a layer and that a later one hides, the largest first. */
  readonly wasted: readonly HiddenPath[]
  readonly wastedBytes: number
}

/** A file that a layer adds, changes or removes. */
export interface FileChange {
  readonly Path: string
  readonly Change: Change
  readonly Type: string
  readonly Size: number
}

/** Reads an image's layers from the daemon. @param onProgress told of the layers that were read */
export async function explore(
  client: Client,
  name: string,
  options: { readonly platform?: string | undefined; onProgress?: (done: number, of: number) => void } = {},
): Promise<Exploration> {
  const { platform } = options
  const image = await client.images.inspect(name, { platform })
  const layers = await client.images.layers(name, { platform })
  const stack = new LayerStack()
  const read: LayerFile[][] = []
  for (const layer of layers.keys()) {
    options.onProgress?.(layer, layers.length)
    const files: LayerFile[] = []
    for await (const file of client.images.layerFiles(name, { layer, platform })) files.push(file)
    stack.add(files)
    read.push(files)
  }
  const wasted = [...stack.hidden.values()].sort(
    (a, b) => b.sizeBytes - a.sizeBytes || (a.path < b.path ? -1 : 1),
  )
  return {
    name,
    id: image.Id ?? '',
    sizeBytes: image.Size ?? 0,
    layers: layers.map((layer, index) => ({
      ...layer,
      ...(stack.figures[index] as LayerFigures),
      number: index + 1,
      files: read[index] as LayerFile[],
    })),
    wasted,
    wastedBytes: wasted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

/** The share of the image's bytes that can be seen, 0 to 1. */
export function efficiency({
  sizeBytes,
  wastedBytes,
}: Pick<Exploration, 'sizeBytes' | 'wastedBytes'>): number {
  return sizeBytes === 0 ? 1 : Math.max(0, 1 - wastedBytes / sizeBytes)
}

/** The image's files as the layers up to one (lowest 0) show them, with what that one changed. */
export function filesUpTo({ layers }: Pick<Exploration, 'layers'>, index: number): ExploredFile {
  const stack = new LayerStack()
  for (const layer of layers.slice(0, index + 1)) stack.add(layer.files)
  return stack.root
}

/** The changes of one layer, by path. */
export function changesOf(root: ExploredFile): FileChange[] {
  const changes: FileChange[] = []
  const visit = (file: ExploredFile, path: string): void => {
    for (const child of sortedChildren(file)) {
      const childPath = `${path}/${child.name}`
      if (child.change !== 'none' && child.change !== 'within')
        changes.push({ Path: childPath, Change: child.change, Type: child.type, Size: child.sizeBytes })
      visit(child, childPath)
    }
  }
  visit(root, '')
  return changes
}

/** What is in a directory, by name. */
export function sortedChildren(file: ExploredFile): ExploredFile[] {
  return [...(file.children?.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1))
}
