import { closeSync, constants, openSync, readSync, readlinkSync } from 'node:fs'
import { type IdMap, ownerInContainer } from '#base/id-map.ts'
import { O_CLOEXEC } from '#kernel/paths.ts'
import { recordOf, typeOf } from './file-record.ts'
import { TAR_END, type TarRecord, packEntry, paddingOf } from './tar-writer.ts'
import { type TreeFile, orVanished } from './tree-walk.ts'

const PIECE_BYTES = 256 * 1024

/**
 * Writes files into a tar, in pieces of a fixed size: `add…` yield a piece whenever one is full, `end` the rest.
 * Each piece is a buffer of its own.
 */
export class TarPacker {
  /** The first name of each file with several. */
  readonly #linked = new Map<string, string>()
  #piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  #fill: number

  readonly #ids: IdMap | null

  readonly #latestSeconds: number | null

  /**
   * @param ids the files belong to ids of the host: what they are in a container is written
   * @param options.latestSeconds no time that is written is later (SOURCE_DATE_EPOCH); null writes them as they are
   */
  constructor(ids: IdMap | null = null, options: { readonly latestSeconds?: number | null } = {}) {
    this.#ids = ids
    this.#latestSeconds = options.latestSeconds ?? null
    this.#fill = 0
  }

  /** Adds a file found on a walk under a name; sockets, which no archive can hold, are left out. */
  *addFile(file: TreeFile, name: string): Generator<Buffer> {
    const type = typeOf(file.stat)
    if (type === null) return
    if (type !== 'directory' && file.stat.nlink > 1n) {
      const key = `${file.stat.dev}:${file.stat.ino}`
      const first = this.#linked.get(key)
      if (first !== undefined) {
        yield* this.#put(
          this.#pack({
            ...this.#recordOf(file, name),
            type: 'hardlink',
            linkName: first,
            sizeBytes: 0,
            xattrs: null,
          }),
        )
        return
      }
      this.#linked.set(key, name)
    }
    if (type === 'file') {
      yield* this.#addContent(file, name)
      return
    }
    const linkName = type === 'symlink' ? orVanished(() => readlinkSync(file.at, { encoding: 'latin1' })) : ''
    if (linkName === null) return
    const shown = type === 'directory' ? `${name}/` : name
    yield* this.#put(this.#pack({ ...this.#recordOf(file, shown), type, linkName }))
  }

  /** Adds an entry without content. */
  *addRecord(record: TarRecord): Generator<Buffer> {
    yield* this.#put(this.#pack(record))
  }

  *end(): Generator<Buffer> {
    yield* this.#put(TAR_END)
    if (this.#fill > 0) yield this.#piece.subarray(0, this.#fill)
  }

  #pack(record: TarRecord): Buffer {
    const latest = this.#latestSeconds
    if (latest === null || record.mtimeSeconds < latest) return packEntry(record)
    return packEntry({ ...record, mtimeSeconds: latest, mtimeNanos: 0 })
  }

  #recordOf(file: TreeFile, name: string): TarRecord {
    const record = recordOf(file, name)
    return this.#ids === null ? record : { ...record, ...ownerInContainer(this.#ids, record) }
  }

  *#addContent(file: TreeFile, name: string): Generator<Buffer> {
    const fd = orVanished(() =>
      openSync(file.at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | O_CLOEXEC),
    )
    if (fd === null) return
    try {
      const sizeBytes = Number(file.stat.size)
      yield* this.#put(this.#pack({ ...this.#recordOf(file, name), type: 'file', sizeBytes }))
      let left = sizeBytes
      while (left > 0) {
        if (this.#fill === PIECE_BYTES) yield* this.#flush()
        const bytes = readSync(fd, this.#piece, this.#fill, Math.min(left, PIECE_BYTES - this.#fill), null)
        // A file that shrank meanwhile is filled up: its header is written.
        if (bytes === 0) break
        this.#fill += bytes
        left -= bytes
      }
      yield* this.#zeroes(left + paddingOf(sizeBytes))
    } finally {
      closeSync(fd)
    }
  }

  *#put(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      if (this.#fill === PIECE_BYTES) yield* this.#flush()
      const copied = bytes.copy(this.#piece, this.#fill, at)
      this.#fill += copied
      at += copied
    }
  }

  *#zeroes(count: number): Generator<Buffer> {
    for (let left = count; left > 0;) {
      if (this.#fill === PIECE_BYTES) yield* this.#flush()
      const take = Math.min(left, PIECE_BYTES - this.#fill)
      this.#piece.fill(0, this.#fill, this.#fill + take)
      this.#fill += take
      left -= take
    }
  }

  *#flush(): Generator<Buffer> {
    yield this.#piece
    this.#piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
    this.#fill = 0
  }
}
