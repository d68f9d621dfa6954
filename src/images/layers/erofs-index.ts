import { InvalidArgumentError } from '#errors/errors.ts'
import {
  type DirectoryPlan,
  EROFS,
  packDirectory,
  packInode,
  packSuperblock,
  packXattrs,
  planDirectory,
} from './erofs-format.ts'
import { type LayerInode, type LayerTree, S_IF } from './layer-tree.ts'

/**
 * Where the tar begins in a layer file. Before it: the superblock at 1024. Behind it, at the next multiple of this:
 * the inodes, then the blocks of large directories. Content of files is nowhere but in the tar.
 */
export const TAR_START = 4096

/** Gives bytes of the layer file to be written at an offset, in ascending order but for the superblock, which is last. */
export type WriteAt = (bytes: Buffer, offset: number) => void

interface Node {
  readonly inode: LayerInode
  readonly parent: Node | null
  readonly xattrs: Buffer | null
  readonly directory: DirectoryPlan | null
  /** In bytes from the start of the inodes. */
  at: number
  startBlock: number
  isInline: boolean
  children: Map<string, Node> | null
  linkCount: number
}

/**
 * Writes the EROFS index of a tree over a tar of this length; gives the length that the layer file must then be
 * brought to.
 */
export function writeErofsIndex(tree: LayerTree, tarBytes: number, write: WriteAt): number {
  const metaStart = alignUp(TAR_START + tarBytes, TAR_START)
  const nodes = collect(tree)
  // The superblock has 16 bits for the root's number, so the root comes first; 0 is no valid inode number.
  const inodeBytes = placeInodes(nodes, EROFS.INODE_BYTES)
  const directoryStart = alignUp(metaStart + inodeBytes, EROFS.BLOCK_BYTES)
  const end = placeData(nodes, directoryStart)
  const fileBytes = alignUp(end, TAR_START)
  const blocks = fileBytes / EROFS.BLOCK_BYTES
  if (blocks > 0xffffffff) throw new InvalidArgumentError('the layer is larger than 2 TiB')

  const out = new Chunks(metaStart, write)
  for (const node of nodes) writeInode(out, metaStart, node)
  for (const node of nodes) {
    if (node.isInline) continue
    const bytes = dataOf(node)
    if (bytes !== null) out.put(bytes, node.startBlock * EROFS.BLOCK_BYTES)
  }
  out.end()
  const rootNid = (nodes[0] as Node).at / EROFS.SLOT_BYTES
  write(
    packSuperblock({ rootNid, inodes: nodes.length, blocks, metaBlock: metaStart / EROFS.BLOCK_BYTES }),
    EROFS.SUPERBLOCK_OFFSET,
  )
  return fileBytes
}

/** All files, each once, the root first, a directory's files side by side. */
function collect(tree: LayerTree): Node[] {
  const nodes: Node[] = []
  const known = new Map<LayerInode, Node>()
  const visit = (inode: LayerInode, parent: Node | null): Node => {
    const before = inode.linkCount > 1 ? known.get(inode) : undefined
    if (before !== undefined) return before
    const children = inode.children === null ? null : withWhiteouts(inode)
    const node: Node = {
      inode,
      parent,
      xattrs: packXattrs(inode),
      directory: children === null ? null : planDirectory(children.keys()),
      at: 0,
      startBlock: 0,
      isInline: false,
      children: null,
      linkCount: inode.linkCount,
    }
    if (inode.linkCount > 1) known.set(inode, node)
    nodes.push(node)
    return node
  }
  visit(tree.root, null)
  // The list grows as it is walked: breadth first.
  for (const node of nodes) {
    if (node.inode.children === null) continue
    node.children = new Map()
    node.linkCount = 2
    for (const [name, child] of withWhiteouts(node.inode)) {
      node.children.set(name, visit(child, node))
      if (child.children !== null) node.linkCount += 1
    }
  }
  return nodes
}

/** A directory's names and, as overlayfs wants them, its whiteouts: devices 0/0. A name that is there anyway needs none. */
function withWhiteouts(directory: LayerInode): Map<string, LayerInode> {
  const children = directory.children as Map<string, LayerInode>
  if (directory.whiteouts === null) return children
  const all = new Map(children)
  for (const name of directory.whiteouts) {
    const existing = all.get(name)
    // Whiteouts hide what is below this layer, never what is in it: a new directory of this name starts empty.
    if (existing?.children) existing.isOpaque = true
    else if (existing === undefined) all.set(name, whiteout(directory))
  }
  directory.children = all
  directory.whiteouts = null
  return all
}

function whiteout(directory: LayerInode): LayerInode {
  return {
    ...directory,
    mode: S_IF.CHR,
    devMajor: 0,
    devMinor: 0,
    sizeBytes: 0,
    xattrs: null,
    children: null,
    whiteouts: null,
    isOpaque: false,
    linkCount: 1,
  }
}

function placeInodes(nodes: readonly Node[], start: number): number {
  let at = start
  for (const node of nodes) {
    const fixed = EROFS.INODE_BYTES + (node.xattrs?.length ?? 0)
    const tail = inlineBytes(node)
    node.isInline = tail > 0 && fixed + tail <= EROFS.BLOCK_BYTES
    const bytes = fixed + (node.isInline ? tail : 0)
    // What is in line may not cross a block's end.
    const fits = !node.isInline || (at % EROFS.BLOCK_BYTES) + bytes <= EROFS.BLOCK_BYTES
    node.at = fits ? at : alignUp(at, EROFS.BLOCK_BYTES)
    at = alignUp(node.at + bytes, EROFS.INODE_BYTES)
  }
  return at
}

/** How many bytes of a file's data would stand behind its inode: the part that fills no block. */
function inlineBytes(node: Node): number {
  if (node.directory !== null) return node.directory.sizeBytes % EROFS.BLOCK_BYTES
  return node.inode.linkTarget.length < EROFS.BLOCK_BYTES ? node.inode.linkTarget.length : 0
}

function placeData(nodes: readonly Node[], start: number): number {
  let at = start
  for (const node of nodes) {
    if (node.directory === null && node.inode.linkTarget === '') {
      if (node.inode.sizeBytes > 0) node.startBlock = (TAR_START + node.inode.dataOffset) / EROFS.BLOCK_BYTES
      continue
    }
    const sizeBytes = node.directory?.sizeBytes ?? node.inode.linkTarget.length
    const outside = node.isInline ? sizeBytes - (sizeBytes % EROFS.BLOCK_BYTES) : sizeBytes
    node.startBlock = at / EROFS.BLOCK_BYTES
    at += alignUp(outside, EROFS.BLOCK_BYTES)
  }
  return at
}

function dataOf(node: Node): Buffer | null {
  if (node.inode.linkTarget !== '') return Buffer.from(node.inode.linkTarget, 'latin1')
  if (node.directory === null) return null
  return packDirectory(node.directory, (name) => {
    const target =
      name === '.' ? node : name === '..' ? (node.parent ?? node) : (node.children?.get(name) as Node)
    return { nid: target.at / EROFS.SLOT_BYTES, mode: target.inode.mode }
  })
}

function writeInode(out: Chunks, metaStart: number, node: Node): void {
  const data = node.isInline ? dataOf(node) : null
  const head = Buffer.alloc(EROFS.INODE_BYTES)
  const sizeBytes =
    node.directory?.sizeBytes ??
    (node.inode.linkTarget === '' ? node.inode.sizeBytes : node.inode.linkTarget.length)
  packInode(head, 0, {
    inode: node.inode,
    place: {
      startBlock: node.startBlock,
      isInline: node.isInline,
      sizeBytes,
      linkCount: node.linkCount,
      xattrBytes: node.xattrs?.length ?? 0,
    },
  })
  let at = metaStart + node.at
  out.put(head, at)
  at += head.length
  if (node.xattrs !== null) {
    out.put(node.xattrs, at)
    at += node.xattrs.length
  }
  if (data !== null) {
    const whole = data.length - (data.length % EROFS.BLOCK_BYTES)
    out.put(data.subarray(whole), at)
    if (whole > 0) out.later(data.subarray(0, whole), node.startBlock * EROFS.BLOCK_BYTES)
  }
}

function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}

/** Gathers small pieces into large writes; gaps between them are zero. */
class Chunks {
  readonly #write: WriteAt
  readonly #chunk = Buffer.alloc(1024 * 1024)
  readonly #later: { bytes: Buffer; offset: number }[] = []
  #start: number
  #fill = 0

  constructor(start: number, write: WriteAt) {
    this.#start = start
    this.#write = write
  }

  put(bytes: Buffer, offset: number): void {
    if (offset + bytes.length > this.#start + this.#chunk.length) this.#flush(offset)
    if (bytes.length > this.#chunk.length) {
      this.#write(bytes, offset)
      this.#start = offset + bytes.length
      return
    }
    bytes.copy(this.#chunk, offset - this.#start)
    this.#fill = offset - this.#start + bytes.length
  }

  /** Bytes of a region that comes after the one being written. */
  later(bytes: Buffer, offset: number): void {
    this.#later.push({ bytes, offset })
  }

  end(): void {
    this.#flush(this.#start)
    for (const { bytes, offset } of this.#later) this.#write(bytes, offset)
  }

  #flush(nextStart: number): void {
    if (this.#fill > 0) this.#write(this.#chunk.subarray(0, this.#fill), this.#start)
    this.#chunk.fill(0)
    this.#fill = 0
    this.#start = nextStart
  }
}
