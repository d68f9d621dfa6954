import { InvalidArgumentError } from '#errors/errors.ts'
import { BLOCK_BYTES } from './tar-header.ts'
import type { LayerInode, LayerTree } from './layer-tree.ts'

/** What sparse files of one layer may be long together: the index counts blocks with 32 bits. */
const MAX_BYTES = 1024 ** 4

/** A piece that is to be copied, from and to offsets counted from the start of the tar. */
export interface PlacedPiece {
  readonly from: number
  readonly to: number
  readonly bytes: number
}

/**
 * An EROFS inode points to one run of blocks, which the tar has not of a sparse file: behind the tar a place is given
 * to each, as long as the file, where only its pieces are written. Changes the tree's `dataOffset`s; the same tree
 * gets the same places.
 * @returns the length of tar and places together
 * @throws InvalidArgumentError when they are too long
 */
export function placeSparseFiles(
  tree: LayerTree,
  tarBytes: number,
): { readonly dataBytes: number; readonly pieces: readonly PlacedPiece[] } {
  const found = new Set<LayerInode>()
  const left: LayerInode[] = [tree.root]
  for (let inode = left.pop(); inode !== undefined; inode = left.pop()) {
    if (inode.sparse !== null) found.add(inode)
    for (const child of inode.children?.values() ?? []) left.push(child)
  }
  if (found.size === 0) return { dataBytes: tarBytes, pieces: [] }
  const pieces: PlacedPiece[] = []
  let end = alignUp(tarBytes)
  for (const inode of [...found].sort((a, b) => a.dataOffset - b.dataOffset)) {
    let from = inode.dataOffset
    for (const { offset, bytes } of inode.sparse ?? []) {
      pieces.push({ from, to: end + offset, bytes })
      from += bytes
    }
    inode.dataOffset = end
    inode.sparse = null
    end = alignUp(end + inode.sizeBytes)
    if (end - tarBytes > MAX_BYTES)
      throw new InvalidArgumentError(`the sparse files of the layer have more than ${MAX_BYTES} bytes`)
  }
  return { dataBytes: end, pieces }
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}
