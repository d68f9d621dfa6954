import { InvalidArgumentError } from '#errors/errors.ts'
import { type LayerInode, S_IF, encodeDevice } from './layer-tree.ts'

/**
 * EROFS on disk (Linux, Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h), the parts that a layer needs.
 * All numbers are little-endian.
 */
export const EROFS = {
  MAGIC: 0xe0f5e1e2,
  SUPERBLOCK_OFFSET: 1024,
  /** Tar aligns content to 512 bytes; blocks of that size let inodes point into the tar as it stands. */
  BLOCK_BITS: 9,
  BLOCK_BYTES: 512,
  /** Inodes are numbered by the slot of 32 bytes they begin in. */
  SLOT_BYTES: 32,
  INODE_BYTES: 64,
  DIRENT_BYTES: 12,
} as const

const FEATURE_COMPAT_MTIME = 0x2
const INODE_EXTENDED = 1
const FLAT_PLAIN = 0
const FLAT_INLINE = 2
const XATTR_HEADER_BYTES = 12

/** Prefixes that EROFS writes as a number (EROFS_XATTR_INDEX_*); ones not listed cannot be stored. */
const XATTR_PREFIXES: readonly (readonly [string, number])[] = [
  ['user.', 1],
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['trusted.', 4],
  ['security.', 6],
]

/** A superblock in a block of its own. */
export function packSuperblock(facts: {
  rootNid: number
  inodes: number
  blocks: number
  metaBlock: number
}): Buffer {
  const block = Buffer.alloc(EROFS.BLOCK_BYTES)
  block.writeUInt32LE(EROFS.MAGIC, 0)
  block.writeUInt32LE(FEATURE_COMPAT_MTIME, 8)
  block.writeUInt8(EROFS.BLOCK_BITS, 12)
  block.writeUInt16LE(facts.rootNid, 14)
  block.writeBigUInt64LE(BigInt(facts.inodes), 16)
  block.writeUInt32LE(facts.blocks, 36)
  block.writeUInt32LE(facts.metaBlock, 40)
  return block
}

/** Where an inode's data is: whole blocks from `startBlock`, the rest in line behind the inode. */
export interface InodePlace {
  readonly startBlock: number
  readonly isInline: boolean
  readonly sizeBytes: number
  readonly linkCount: number
  readonly xattrBytes: number
}

/** Writes an extended inode at the offset. */
export function packInode(into: Buffer, at: number, options: { inode: LayerInode; place: InodePlace }): void {
  const { inode, place } = options
  const type = inode.mode & S_IF.MT
  const isDevice = type === S_IF.CHR || type === S_IF.BLK
  const layout = place.isInline ? FLAT_INLINE : FLAT_PLAIN
  into.writeUInt16LE(INODE_EXTENDED | (layout << 1), at)
  into.writeUInt16LE(place.xattrBytes === 0 ? 0 : (place.xattrBytes - XATTR_HEADER_BYTES) / 4 + 1, at + 2)
  into.writeUInt16LE(inode.mode, at + 4)
  into.writeBigUInt64LE(BigInt(place.sizeBytes), at + 8)
  into.writeUInt32LE(isDevice ? encodeDevice(inode.devMajor, inode.devMinor) : place.startBlock, at + 16)
  into.writeUInt32LE(inode.uid, at + 24)
  into.writeUInt32LE(inode.gid, at + 28)
  into.writeBigInt64LE(BigInt(inode.mtimeSeconds), at + 32)
  into.writeUInt32LE(inode.mtimeNanos, at + 40)
  into.writeUInt32LE(place.linkCount, at + 44)
}

/**
 * The extended attributes of an inode as they stand behind it, or null when there are none. Attributes that overlayfs
 * would take as its own are left out: an image must not redirect a directory or claim another file's content.
 */
export function packXattrs(inode: LayerInode): Buffer | null {
  const entries: Buffer[] = []
  if (inode.xattrs !== null) {
    for (const [name, value] of [...inode.xattrs].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!name.startsWith('trusted.overlay.')) pushXattr(entries, name, value)
    }
  }
  if (inode.isOpaque && inode.children !== null)
    pushXattr(entries, 'trusted.overlay.opaque', Buffer.from('y'))
  if (entries.length === 0) return null
  const packed = Buffer.concat([Buffer.alloc(XATTR_HEADER_BYTES), ...entries])
  if ((packed.length - XATTR_HEADER_BYTES) / 4 + 1 > 0xffff) {
    throw new InvalidArgumentError('a file of the layer has too many extended attributes')
  }
  return packed
}

function pushXattr(entries: Buffer[], name: string, value: Buffer): void {
  const prefix = XATTR_PREFIXES.find(([text]) => name.startsWith(text))
  if (prefix === undefined) return
  const suffix = Buffer.from(name.slice(prefix[0].length), 'latin1')
  if (suffix.length > 255 || value.length > 0xffff) {
    throw new InvalidArgumentError('an extended attribute of the layer is too long')
  }
  const entry = Buffer.alloc((4 + suffix.length + value.length + 3) & ~3)
  entry.writeUInt8(suffix.length, 0)
  entry.writeUInt8(prefix[1], 1)
  entry.writeUInt16LE(value.length, 2)
  suffix.copy(entry, 4)
  value.copy(entry, 4 + suffix.length)
  entries.push(entry)
}

/** Names of a directory in blocks: each block lists its entries, then their names; ordered by bytes throughout. */
export interface DirectoryPlan {
  readonly names: readonly string[]
  /** The index in `names` at which each block begins. */
  readonly blockStarts: readonly number[]
  readonly sizeBytes: number
}

/** Lays out a directory's names; `.` and `..` are among them, in their place in the order. */
export function planDirectory(childNames: Iterable<string>): DirectoryPlan {
  const names = ['.', '..', ...childNames].sort()
  const blockStarts = [0]
  let used = 0
  for (const [index, name] of names.entries()) {
    const bytes = EROFS.DIRENT_BYTES + name.length
    if (used + bytes > EROFS.BLOCK_BYTES) {
      blockStarts.push(index)
      used = 0
    }
    used += bytes
  }
  return { names, blockStarts, sizeBytes: (blockStarts.length - 1) * EROFS.BLOCK_BYTES + used }
}

/** The bytes of a directory. */
export function packDirectory(
  plan: DirectoryPlan,
  find: (name: string) => { nid: number; mode: number },
): Buffer {
  const bytes = Buffer.alloc(plan.sizeBytes)
  for (const [block, start] of plan.blockStarts.entries()) {
    const end = plan.blockStarts[block + 1] ?? plan.names.length
    const base = block * EROFS.BLOCK_BYTES
    let entryAt = base
    let nameAt = (end - start) * EROFS.DIRENT_BYTES
    for (let index = start; index < end; index++) {
      const name = plan.names[index] as string
      const { nid, mode } = find(name)
      bytes.writeUInt32LE(nid % 0x1_0000_0000, entryAt)
      bytes.writeUInt32LE(Math.floor(nid / 0x1_0000_0000), entryAt + 4)
      bytes.writeUInt16LE(nameAt, entryAt + 8)
      bytes.writeUInt8(fileType(mode), entryAt + 10)
      bytes.write(name, base + nameAt, 'latin1')
      entryAt += EROFS.DIRENT_BYTES
      nameAt += name.length
    }
  }
  return bytes
}

function fileType(mode: number): number {
  switch (mode & S_IF.MT) {
    case S_IF.REG:
      return 1
    case S_IF.DIR:
      return 2
    case S_IF.CHR:
      return 3
    case S_IF.BLK:
      return 4
    case S_IF.FIFO:
      return 5
    case S_IF.SOCK:
      return 6
    default:
      return 7
  }
}
