import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { type IdMap, type Owner, ownerOnHost } from '#base/id-map.ts'
import { InvalidArgumentError, errnoOf } from '#errors/errors.ts'
import { shareContent } from '#kernel/btrfs.ts'
import { makeDevice } from '#kernel/device-nodes.ts'
import { mkdirat, mknodat, utimensat } from '#kernel/native/files.ts'
import { O_CLOEXEC, O_PATH } from '#kernel/paths.ts'
import { setXattr } from '#kernel/xattrs.ts'
import { S_IF, components } from './layer-tree.ts'
import { type TarEntry, nameText } from './tar-entry.ts'
import { TreeParents } from './tree-parents.ts'
import { nameArgument, removeTree } from './tree-remove.ts'
import { entryPath, orVanished } from './tree-walk.ts'

export interface TreeWriterOptions {
  /** Whom everything shall belong to, instead of whom the archive says. */
  readonly owner?: Owner | undefined
  /** The ids of the entries are those of a container; what they are on the host. */
  readonly ids?: IdMap | null | undefined
  /** Refuse to replace a directory by something else and the other way round. */
  readonly noOverwriteDirNonDir?: boolean | undefined
}

/** What a file's metadata can be taken from. */
export type TreeEntry = Omit<TarEntry, 'dataOffset'>

const TYPE_BITS = { char: S_IF.CHR, block: S_IF.BLK, fifo: S_IF.FIFO } as const

/**
 * Unpacks entries into a directory, as GNU tar and Docker do: later entries replace earlier ones, missing parents are
 * made. Confined by the kernel: the way to an entry is resolved beneath the root (openat2), its last name is never
 * followed, so neither the archive nor someone who changes the tree meanwhile can make it write elsewhere.
 */
export class TreeWriter {
  readonly #options: TreeWriterOptions
  readonly #parents: TreeParents
  /** Directories get their times last: making a file in one changes them. */
  readonly #times = new Map<string, TreeEntry>()
  #canShare = true
  #file: {
    readonly fd: number
    readonly parentFd: number
    readonly name: string
    readonly entry: TreeEntry
    /** Where the next bytes go. */
    at: number
  } | null = null

  /** @param rootFd stays the caller's */
  constructor(rootFd: number, options: TreeWriterOptions = {}) {
    this.#options = options
    this.#parents = new TreeParents(rootFd)
  }

  /** Makes the entry; a file's content follows by `data`, then `entryEnd`. @throws InvalidArgumentError */
  add(entry: TreeEntry): void {
    const names = components(entry.name)
    const name = names.pop()
    if (name === undefined) return
    const parentFd = this.#parents.open(names)
    const existing = orVanished(() => lstatSync(entryPath(parentFd, name), { bigint: true }))
    const isKept = existing !== null && this.#makeRoom(parentFd, { name, entry, existing })
    try {
      this.#make(parentFd, { name, entry, isKept })
    } catch (error) {
      if (errnoOf(error) === 'ENAMETOOLONG')
        throw new InvalidArgumentError(`file name too long: "${nameText(name.slice(0, 60))}…"`)
      throw error
    }
    if (entry.type === 'directory') this.#times.set([...names, name].join('/'), entry)
  }

  data(bytes: Buffer): void {
    if (this.#file === null) return
    const file = this.#file
    for (let done = 0; done < bytes.length;) {
      const written = writeSync(file.fd, bytes, done, bytes.length - done, file.at)
      done += written
      file.at += written
    }
  }

  /** So many bytes of the file are zero: they take no room. */
  hole(bytes: number): void {
    if (this.#file === null) return
    this.#file.at += bytes
    ftruncateSync(this.#file.fd, this.#file.at)
  }

  /** Gives the file the content of another, whose blocks they share from now on. False where the file system cannot. */
  shareContent(fromFd: number): boolean {
    if (this.#file === null || !this.#canShare) return false
    try {
      shareContent(fromFd, this.#file.fd)
      return true
    } catch (error) {
      if (!['EOPNOTSUPP', 'ENOTTY', 'EXDEV', 'EINVAL'].includes(errnoOf(error) ?? '')) throw error
      this.#canShare = false
      return false
    }
  }

  entryEnd(): void {
    const file = this.#file
    if (file === null) return
    this.#file = null
    try {
      const { uid, gid } = this.#owner(file.entry)
      fchownSync(file.fd, uid, gid)
      fchmodSync(file.fd, file.entry.mode)
      this.#setXattrs(file.parentFd, file.name, file.entry)
      this.#setTimes(file.parentFd, file.name, file.entry)
    } finally {
      closeSync(file.fd)
    }
  }

  /** Removes what is there, if anything: an entry of a layer below is hidden. */
  remove(path: string): void {
    const names = components(path)
    const name = names.pop()
    if (name === undefined) return
    this.#parents.forget()
    removeTree(this.#parents.open(names), name)
    this.#forgetTimes([...names, name].join('/'))
  }

  /** Runs `work` with the open parent of a path (made if absent) and its last name. */
  at(path: string, work: (parentFd: number, name: string) => void): void {
    const names = components(path)
    const name = names.pop()
    if (name !== undefined) work(this.#parents.open(names), name)
  }

  /** All entries are there: sets what had to wait. */
  finish(): void {
    for (const [path, entry] of [...this.#times].reverse()) {
      this.at(path, (parentFd, name) => this.#setTimes(parentFd, name, entry))
    }
    this.#times.clear()
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file.fd)
    this.#file = null
    this.#parents.forget()
  }

  /** Removes what is in the way; true when it is a directory that stays. */
  #makeRoom(parentFd: number, at: { name: string; entry: TreeEntry; existing: BigIntStats }): boolean {
    const { name, entry, existing } = at
    const isDirectory = entry.type === 'directory'
    if (existing.isDirectory() && isDirectory) return true
    if (this.#options.noOverwriteDirNonDir === true && existing.isDirectory() !== isDirectory) {
      const [there, here] = isDirectory ? ['non-directory', 'directory'] : ['directory', 'non-directory']
      throw new InvalidArgumentError(
        `cannot overwrite ${there} ${JSON.stringify(nameText(entry.name))} with ${here} ${JSON.stringify(nameText(entry.name))}`,
      )
    }
    if (entry.type === 'hardlink' && this.#isSameFile(entry, existing)) return false
    removeTree(parentFd, name)
    if (existing.isDirectory()) this.#forgetTimes(components(entry.name).join('/'))
    return false
  }

  #forgetTimes(path: string): void {
    for (const known of this.#times.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#times.delete(known)
    }
  }

  #isSameFile(entry: TreeEntry, existing: BigIntStats): boolean {
    let same = false
    this.at(entry.linkName, (parentFd, name) => {
      const target = orVanished(() => lstatSync(entryPath(parentFd, name), { bigint: true }))
      same = target !== null && target.dev === existing.dev && target.ino === existing.ino
    })
    return same
  }

  #make(parentFd: number, at: { name: string; entry: TreeEntry; isKept: boolean }): void {
    const { name, entry, isKept } = at
    const path = entryPath(parentFd, name)
    switch (entry.type) {
      case 'file': {
        const flags =
          constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | O_CLOEXEC
        const fd = openSync(path, flags, 0o600)
        this.#file = { fd, parentFd, name, entry, at: 0 }
        return
      }
      case 'hardlink':
        this.#link(parentFd, name, entry)
        return
      case 'directory':
        if (!isKept) mkdirat(parentFd, nameArgument(name), 0o700)
        break
      case 'symlink':
        symlinkSync(Buffer.from(entry.linkName, 'latin1'), path)
        break
      case 'char':
      case 'block':
      case 'fifo':
        mknodat(
          parentFd,
          nameArgument(name),
          TYPE_BITS[entry.type] | 0o600,
          makeDevice({ major: entry.devMajor, minor: entry.devMinor }),
        )
        break
    }
    const { uid, gid } = this.#owner(entry)
    lchownSync(path, uid, gid)
    if (entry.type !== 'symlink') this.#chmod(path, entry.mode)
    this.#setXattrs(parentFd, name, entry)
    this.#setTimes(parentFd, name, entry)
  }

  /** chmod(2) follows links, and there is none that does not: the file is held by an fd that cannot be one. */
  #chmod(path: string | Buffer, mode: number): void {
    const fd = openSync(path, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC)
    try {
      chmodSync(`/proc/self/fd/${fd}`, mode)
    } finally {
      closeSync(fd)
    }
  }

  #link(parentFd: number, name: string, entry: TreeEntry): void {
    const target = components(entry.linkName)
    const targetName = target.pop()
    try {
      if (targetName === undefined) throw new InvalidArgumentError('a hard link to the root')
      // The parent stays open while the target's is looked for.
      const targetFd = this.#parents.openApart(target)
      try {
        linkSync(entryPath(targetFd, targetName), entryPath(parentFd, name))
      } finally {
        closeSync(targetFd)
      }
    } catch (error) {
      const errno = errnoOf(error)
      // One name of a file can be given twice in an archive.
      if (errno === 'EEXIST') return
      if (errno !== 'ENOENT' && errno !== 'EPERM' && errno !== 'ENOTDIR') throw error
      throw new InvalidArgumentError(
        `hard link "${nameText(entry.name)}" names "${nameText(entry.linkName)}", which is no file here`,
      )
    }
  }

  #owner(entry: TreeEntry): { uid: number; gid: number } {
    return ownerOnHost(this.#options.ids ?? null, this.#options.owner ?? entry)
  }

  #setXattrs(parentFd: number, name: string, entry: TreeEntry): void {
    for (const [key, value] of entry.xattrs ?? []) {
      // What overlayfs reads as its own must not come from outside.
      if (key.startsWith('trusted.overlay.')) continue
      try {
        setXattr(entryPath(parentFd, name), key, value)
      } catch (error) {
        // The file system has none of this kind, or not on this type of file: as Docker, the file counts more.
        if (!['ENOTSUP', 'EOPNOTSUPP', 'EPERM'].includes(errnoOf(error) ?? '')) throw error
      }
    }
  }

  #setTimes(parentFd: number, name: string, entry: TreeEntry): void {
    utimensat(parentFd, nameArgument(name), { seconds: entry.mtimeSeconds, nanos: entry.mtimeNanos })
  }
}
