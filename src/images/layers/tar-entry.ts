/** The kinds of file a layer can hold. */
export type TarEntryType = 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo'

/** A piece of a sparse file that is in the archive; between pieces the file is zero. */
export interface SparsePiece {
  /** In the file. */
  readonly offset: number
  readonly bytes: number
}

/**
 * One entry of a tar archive, all extensions applied. Names are bytes, not text: they are kept as `latin1` strings
 * (one character per byte), so that any name survives and comparing strings compares bytes.
 */
export interface TarEntry {
  readonly type: TarEntryType
  /** As written in the archive: may be absolute, may hold `.` and `..`; see `components`. */
  readonly name: string
  readonly linkName: string
  /** Permission bits with setuid, setgid and sticky; no type bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of content; 0 for all but files. They follow, but for the holes of a sparse file. */
  readonly sizeBytes: number
  /** Whole seconds since 1970, may be negative; `mtimeNanos` is 0 to 999,999,999 after it. */
  readonly mtimeSeconds: number
  readonly mtimeNanos: number
  readonly devMajor: number
  readonly devMinor: number
  readonly xattrs: ReadonlyMap<string, Buffer> | null
  /** Where the content begins, counted from the archive's first byte; a multiple of 512. */
  readonly dataOffset: number
  /** Of a sparse file: what follows, in order, one piece behind the other. */
  readonly sparse?: readonly SparsePiece[]
}

/** The bytes of a name as text for people, e.g. for an error message. */
export function nameText(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8')
}
