import { InvalidArgumentError } from '#errors/errors.ts'
import { type SparsePiece, type TarEntry, nameText } from './tar-entry.ts'

/** Type bits of a mode: inode(7). */
export const S_IF = {
  MT: 0o170000,
  SOCK: 0o140000,
  LNK: 0o120000,
  REG: 0o100000,
  BLK: 0o060000,
  DIR: 0o040000,
  CHR: 0o020000,
  FIFO: 0o010000,
} as const

/** One file of a layer. Several names may lead to it (hard links); a directory has one. */
export interface LayerInode {
  /** With type bits. */
  mode: number
  uid: number
  gid: number
  mtimeSeconds: number
  mtimeNanos: number
  /** Of a regular file; its content stands at `dataOffset` of the tar. */
  sizeBytes: number
  dataOffset: number
  /** Of a sparse file: the pieces of it that the tar has at `dataOffset`, one behind the other. */
  sparse: readonly SparsePiece[] | null
  devMajor: number
  devMinor: number
  linkTarget: string
  xattrs: ReadonlyMap<string, Buffer> | null
  /** Names in a directory, as bytes (latin1); null for other files. */
  children: Map<string, LayerInode> | null
  /** Names that hide what lower layers have: `.wh.<name>`. */
  whiteouts: Set<string> | null
  /** The directory hides all of the lower layers' directory: `.wh..wh..opq`. */
  isOpaque: boolean
  linkCount: number
}

/** How a layer's tar says that a lower file is gone, and that a directory hides all below it (image-spec, layer.md). */
export const WHITEOUT_PREFIX = '.wh.'
export const OPAQUE_MARK = '.wh..wh..opq'
const MAX_NAME_BYTES = 255
/** The kernel follows this many links in one path (path_resolution(7)). */
const MAX_LINKS_FOLLOWED = 40
/** Bounds the memory a hostile layer can take: a node is about 400 bytes. Real layers stay below a few hundred thousand. */
const MAX_INODES = 2_000_000

/**
 * The file system that a layer's tar describes: the last entry of a name wins, directories merge, missing parents
 * are made, whiteouts are kept apart (image-spec, layer.md). Nothing leads out of the root: absolute names and links
 * are taken from the root, and a name that climbs above it is refused.
 */
export class LayerTree {
  readonly root: LayerInode = newDirectory(0)
  #inodes = 1
  #lastParentName: string | null = null
  #lastParent: LayerInode = this.root

  get inodeCount(): number {
    return this.#inodes
  }

  /** @throws InvalidArgumentError when no file system could hold the entry. */
  add(entry: TarEntry): void {
    const names = components(entry.name)
    const name = names.pop()
    if (name === undefined) {
      if (entry.type === 'directory') assign(this.root, entry)
      return
    }
    const parent = this.#parent(names, entry.mtimeSeconds)
    if (name.startsWith(WHITEOUT_PREFIX)) this.#whiteout(parent, name)
    else if (entry.type === 'hardlink') this.#link(parent, name, entry)
    else this.#put(parent, name, entry)
  }

  #whiteout(parent: LayerInode, name: string): void {
    if (name === OPAQUE_MARK) parent.isOpaque = true
    // Other names of this form are notes of AUFS to itself.
    else if (!name.startsWith('.wh..wh.') && name !== WHITEOUT_PREFIX) {
      this.#count()
      ;(parent.whiteouts ??= new Set()).add(checkedName(name.slice(WHITEOUT_PREFIX.length)))
    }
  }

  #put(parent: LayerInode, name: string, entry: TarEntry): void {
    const children = parent.children as Map<string, LayerInode>
    const existing = children.get(name)
    if (entry.type === 'directory' && existing?.children) {
      assign(existing, entry)
      return
    }
    const inode = entry.type === 'directory' ? newDirectory(0) : newFile()
    assign(inode, entry)
    this.#count()
    this.#replace(parent, name, inode)
  }

  #link(parent: LayerInode, name: string, entry: TarEntry): void {
    const targetNames = components(entry.linkName)
    const targetName = targetNames.pop()
    const targetParent = targetName === undefined ? null : this.#parent(targetNames, null)
    const target = targetName === undefined ? undefined : targetParent?.children?.get(targetName)
    if (target === undefined || target.children !== null) {
      throw new InvalidArgumentError(
        `hard link "${nameText(entry.name)}" names "${nameText(entry.linkName)}", which is no file of the same layer`,
      )
    }
    if ((parent.children as Map<string, LayerInode>).get(name) === target) return
    target.linkCount += 1
    this.#replace(parent, name, target)
  }

  #replace(parent: LayerInode, name: string, inode: LayerInode): void {
    const children = parent.children as Map<string, LayerInode>
    const existing = children.get(name)
    if (existing !== undefined) {
      this.#lastParentName = null
      forget(existing)
    }
    children.set(name, inode)
  }

  /** The directory of these names, made where absent; with `mtimeSeconds` null, null where absent. */
  #parent(names: readonly string[], mtimeSeconds: number): LayerInode
  #parent(names: readonly string[], mtimeSeconds: null): LayerInode | null
  #parent(names: readonly string[], mtimeSeconds: number | null): LayerInode | null {
    const joined = names.join('/')
    // Archives list a directory's files one after the other.
    if (joined === this.#lastParentName) return this.#lastParent
    const found = this.#walk(names, mtimeSeconds)
    if (found !== null) {
      this.#lastParentName = joined
      this.#lastParent = found
    }
    return found
  }

  #walk(names: readonly string[], mtimeSeconds: number | null): LayerInode | null {
    const trail: LayerInode[] = [this.root]
    const left = names.toReversed()
    let followed = 0
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '..') {
        if (trail.length > 1) trail.pop()
        continue
      }
      const directory = trail.at(-1) as LayerInode
      let next = directory.children?.get(name)
      if (next === undefined) {
        if (mtimeSeconds === null) return null
        next = newDirectory(mtimeSeconds)
        this.#count()
        directory.children?.set(name, next)
      }
      if (next.children !== null) {
        trail.push(next)
      } else if ((next.mode & S_IF.MT) === S_IF.LNK) {
        if (++followed > MAX_LINKS_FOLLOWED)
          throw new InvalidArgumentError(`too many symbolic links in "${nameText(names.join('/'))}"`)
        if (next.linkTarget.startsWith('/')) trail.length = 1
        left.push(...next.linkTarget.split('/').filter(isStep).reverse())
      } else {
        throw new InvalidArgumentError(
          `"${nameText(name)}" in "${nameText(names.join('/'))}" is not a directory`,
        )
      }
    }
    return trail.at(-1) as LayerInode
  }

  #count(): void {
    if (++this.#inodes > MAX_INODES)
      throw new InvalidArgumentError(`the layer has more than ${MAX_INODES} files`)
  }
}

/** The number a device has in an inode: the kernel's new_encode_dev (makedev(3) for small numbers). */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
}

/**
 * The names on the way to an entry: `.` and empty steps left out, `..` taken back.
 * @throws InvalidArgumentError when the way leads above the root or a step is no valid name.
 */
export function components(path: string): string[] {
  const names: string[] = []
  for (const step of path.split('/')) {
    if (!isStep(step)) continue
    if (step !== '..') names.push(checkedName(step))
    else if (names.pop() === undefined)
      throw new InvalidArgumentError(`"${nameText(path)}" is outside of "/"`)
  }
  return names
}

function isStep(step: string): boolean {
  return step !== '' && step !== '.'
}

/** @throws InvalidArgumentError when no file can have the name */
export function checkedName(name: string): string {
  if (name.length > MAX_NAME_BYTES)
    throw new InvalidArgumentError(`file name too long: "${nameText(name.slice(0, 60))}…"`)
  if (name.includes('\0') || name === '' || name === '.' || name === '..') {
    throw new InvalidArgumentError(`invalid file name ${JSON.stringify(nameText(name))}`)
  }
  return name
}

const TYPE_BITS: Readonly<Record<TarEntry['type'], number>> = {
  file: S_IF.REG,
  hardlink: S_IF.REG,
  symlink: S_IF.LNK,
  char: S_IF.CHR,
  block: S_IF.BLK,
  directory: S_IF.DIR,
  fifo: S_IF.FIFO,
}

function assign(inode: LayerInode, entry: TarEntry): void {
  if (entry.type === 'symlink' && (entry.linkName === '' || entry.linkName.length > 4095)) {
    throw new InvalidArgumentError(`symbolic link "${nameText(entry.name)}" has an impossible target`)
  }
  inode.mode = TYPE_BITS[entry.type] | (entry.type === 'symlink' ? 0o777 : entry.mode)
  inode.uid = entry.uid
  inode.gid = entry.gid
  inode.mtimeSeconds = entry.mtimeSeconds
  inode.mtimeNanos = entry.mtimeNanos
  inode.sizeBytes = entry.sizeBytes
  inode.dataOffset = entry.dataOffset
  inode.sparse = entry.sparse ?? null
  inode.devMajor = entry.devMajor
  inode.devMinor = entry.devMinor
  inode.linkTarget = entry.type === 'symlink' ? entry.linkName : ''
  inode.xattrs = entry.xattrs
}

function newFile(): LayerInode {
  return {
    mode: S_IF.REG | 0o644,
    uid: 0,
    gid: 0,
    mtimeSeconds: 0,
    mtimeNanos: 0,
    sizeBytes: 0,
    dataOffset: 0,
    sparse: null,
    devMajor: 0,
    devMinor: 0,
    linkTarget: '',
    xattrs: null,
    children: null,
    whiteouts: null,
    isOpaque: false,
    linkCount: 1,
  }
}

function newDirectory(mtimeSeconds: number): LayerInode {
  return { ...newFile(), mode: S_IF.DIR | 0o755, mtimeSeconds, children: new Map() }
}

/** Takes back the names of what is replaced, so that link counts stay true. */
function forget(inode: LayerInode): void {
  const left = [inode]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    next.linkCount -= 1
    if (next.children !== null) for (const child of next.children.values()) left.push(child)
  }
}
