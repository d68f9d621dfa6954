import { InvalidArgumentError } from '#errors/errors.ts'
import { type PaxRecords, parsePaxRecords } from './pax-records.ts'
import { SparseMap } from './sparse-map.ts'
import { type SparsePiece, type TarEntry, type TarEntryType, nameText } from './tar-entry.ts'
import { BLOCK_BYTES, type RawHeader, isZeroBlock, parseHeader, parseSparseBlock } from './tar-header.ts'

/** Who listens to a tar archive going by. Errors it throws end the parsing. */
export interface TarHandler {
  entry(entry: TarEntry): void
  /** Content of the last entry, in order; the chunk is only valid during the call. */
  data?(chunk: Buffer): void
  /** So many bytes of the last entry, a sparse file, are zero. */
  hole?(bytes: number): void
  /** The content of the last entry, a file, is complete. */
  entryEnd?(): void
}

/** The most bytes of a pax header or of a long name: what Go's archive/tar allows, so that nothing Docker reads is refused. */
const MAX_EXTENSION_BYTES = 1024 * 1024

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

type Body = 'content' | 'sparse' | 'pax' | 'long-name' | 'long-link' | 'skip'

interface PendingSparse {
  readonly map: SparseMap
  readonly entry: TarEntry
  /** The map, if it stands there, and the pieces. */
  readonly packedBytes: number
  /** GNU's old format: further blocks of the map do not count as content. */
  readonly isOld: boolean
}

interface OpenPieces {
  /** The next one last. */
  readonly left: SparsePiece[]
  at: number
  pieceDone: number
  readonly sizeBytes: number
}

/**
 * Parses a tar archive (v7, ustar, pax, GNU) that is pushed through in pieces of any size. Memory is bounded by one
 * header and its extensions, whatever the archive says.
 */
export class TarParser {
  readonly #handler: TarHandler
  readonly #block = Buffer.alloc(BLOCK_BYTES)
  #blockFill = 0
  #offset = 0
  #body: Body = 'skip'
  #bodyLeft = 0
  #paddingLeft = 0
  #extension: Buffer | null = null
  #extensionFill = 0
  #pax: PaxRecords = {}
  #longName: string | null = null
  #longLink: string | null = null
  #zeroBlocks = 0
  /** A sparse file whose map has not come yet; the entry as far as it is known. */
  #sparse: PendingSparse | null = null
  /** The pieces of the sparse file that is being read, and how much of the file was given. */
  #pieces: OpenPieces | null = null

  constructor(handler: TarHandler) {
    this.#handler = handler
  }

  /** Takes the next piece. @throws InvalidArgumentError when the archive is bad. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#zeroBlocks >= 2) {
        // What follows the end mark is not looked at, as by every tar.
        this.#offset += chunk.length - at
        return
      }
      if (this.#bodyLeft > 0) at = this.#takeBody(chunk, at)
      else if (this.#paddingLeft > 0) at = this.#skipPadding(chunk, at)
      else at = this.#takeHeader(chunk, at)
    }
  }

  /** For who wants no contents: how many bytes of content come next, which need not be pushed then. */
  skipContent(): number {
    const skipped = this.#body === 'content' || this.#body === 'sparse' ? this.#bodyLeft : 0
    if (skipped === 0) return 0
    this.#bodyLeft = 0
    this.#offset += skipped
    this.#endBody()
    return skipped
  }

  /** The archive is over. @throws InvalidArgumentError when something is missing. */
  finish(): void {
    if (this.#bodyLeft > 0 || this.#blockFill > 0 || this.#sparse !== null)
      throw new InvalidArgumentError('unexpected EOF')
  }

  #takeBody(chunk: Buffer, at: number): number {
    const take = Math.min(this.#bodyLeft, chunk.length - at)
    if (this.#extension !== null) {
      chunk.copy(this.#extension, this.#extensionFill, at, at + take)
      this.#extensionFill += take
    } else if (this.#body === 'content') {
      this.#handler.data?.(chunk.subarray(at, at + take))
    } else if (this.#body === 'sparse') {
      this.#takePieces(chunk.subarray(at, at + take))
    }
    this.#bodyLeft -= take
    this.#offset += take
    if (this.#bodyLeft === 0) this.#endBody()
    return at + take
  }

  #endBody(): void {
    if (this.#body === 'content' || this.#body === 'sparse') {
      if (this.#body === 'sparse') this.#endPieces()
      this.#handler.entryEnd?.()
      return
    }
    const body = this.#extension
    this.#extension = null
    if (body === null) return
    if (this.#body === 'pax') {
      this.#pax = { ...this.#pax, ...parsePaxRecords(body) }
      return
    }
    const zero = body.indexOf(0)
    const text = body.toString('latin1', 0, zero === -1 ? body.length : zero)
    if (this.#body === 'long-name') this.#longName = text
    else this.#longLink = text
  }

  #skipPadding(chunk: Buffer, at: number): number {
    const take = Math.min(this.#paddingLeft, chunk.length - at)
    this.#paddingLeft -= take
    this.#offset += take
    return at + take
  }

  #takeHeader(chunk: Buffer, at: number): number {
    let block: Buffer = this.#block
    let next: number
    if (this.#blockFill === 0 && chunk.length - at >= BLOCK_BYTES) {
      next = at + BLOCK_BYTES
      block = chunk.subarray(at, next)
    } else {
      const take = Math.min(BLOCK_BYTES - this.#blockFill, chunk.length - at)
      chunk.copy(block, this.#blockFill, at, at + take)
      this.#blockFill += take
      next = at + take
      if (this.#blockFill < BLOCK_BYTES) {
        this.#offset += take
        return next
      }
      this.#blockFill = 0
    }
    this.#offset += next - at
    if (this.#sparse !== null) this.#sparseBlock(block)
    else if (block[0] === 0 && isZeroBlock(block)) this.#zeroBlocks += 1
    else if (this.#zeroBlocks > 0) throw new InvalidArgumentError('archive/tar: invalid tar header')
    else this.#header(parseHeader(block))
    return next
  }

  #header(raw: RawHeader): void {
    const flag = raw.typeFlag
    if (flag === 'x' || flag === 'X') this.#begin('pax', raw.sizeBytes)
    else if (flag === 'L') this.#begin('long-name', raw.sizeBytes)
    else if (flag === 'K') this.#begin('long-link', raw.sizeBytes)
    // Global headers (git writes one with a comment) and GNU volume labels say nothing about a file.
    else if (flag === 'g' || flag === 'V') this.#begin('skip', raw.sizeBytes)
    else this.#entry(raw)
  }

  #begin(body: Body, sizeBytes: number): void {
    if (sizeBytes < 0) throw new InvalidArgumentError('archive/tar: invalid tar header')
    if (body === 'pax' || body === 'long-name' || body === 'long-link') {
      if (sizeBytes > MAX_EXTENSION_BYTES)
        throw new InvalidArgumentError('archive/tar: header field too long')
      this.#extension = Buffer.allocUnsafe(sizeBytes)
      this.#extensionFill = 0
    }
    this.#body = body
    this.#bodyLeft = sizeBytes
    this.#paddingLeft = -sizeBytes & (BLOCK_BYTES - 1)
    // Bit arithmetic is on 32 bits; a size beyond them still has the right low bits.
    if (sizeBytes > 0x7fffffff) this.#paddingLeft = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES
    if (sizeBytes === 0) this.#endBody()
  }

  /** A block between the header of a sparse file and its content. */
  #sparseBlock(block: Buffer): void {
    const sparse = this.#sparse as PendingSparse
    if (sparse.isOld) {
      const more = parseSparseBlock(block)
      sparse.map.add(more.map)
      if (!more.isContinued) this.#beginSparse()
      return
    }
    sparse.map.addBlock(block)
    if (!sparse.map.wantsBlock) this.#beginSparse()
  }

  #beginSparse(): void {
    const { map, entry, packedBytes } = this.#sparse as PendingSparse
    this.#sparse = null
    const contentBytes = packedBytes - map.mapBytes
    const pieces = map.pieces(contentBytes)
    this.#pieces = { left: pieces.toReversed(), at: 0, pieceDone: 0, sizeBytes: map.sizeBytes }
    this.#handler.entry({ ...entry, sizeBytes: map.sizeBytes, dataOffset: this.#offset, sparse: pieces })
    this.#begin('sparse', contentBytes)
  }

  #takePieces(bytes: Buffer): void {
    const file = this.#pieces as OpenPieces
    for (let done = 0; done < bytes.length;) {
      const piece = file.left.at(-1) as SparsePiece
      if (file.at < piece.offset) this.#handler.hole?.(piece.offset - file.at)
      file.at = Math.max(file.at, piece.offset)
      const take = Math.min(piece.bytes - file.pieceDone, bytes.length - done)
      this.#handler.data?.(bytes.subarray(done, done + take))
      done += take
      file.at += take
      file.pieceDone += take
      if (file.pieceDone < piece.bytes) continue
      file.left.pop()
      file.pieceDone = 0
    }
  }

  #endPieces(): void {
    const file = this.#pieces
    this.#pieces = null
    if (file !== null && file.at < file.sizeBytes) this.#handler.hole?.(file.sizeBytes - file.at)
  }

  #entry(raw: RawHeader): void {
    const pax = this.#pax
    const name = pax.sparse?.name ?? pax.name ?? this.#longName ?? raw.name
    const linkName = pax.linkName ?? this.#longLink ?? raw.linkName
    this.#pax = {}
    this.#longName = null
    this.#longLink = null
    let type = TYPES[raw.typeFlag]
    if (type === undefined) {
      throw new InvalidArgumentError(
        `unhandled tar header type ${raw.typeFlag.charCodeAt(0)} of "${nameText(name)}"`,
      )
    }
    // Links, devices and directories have no content, whatever their size field says (as Go's archive/tar).
    const bodyBytes = type === 'file' ? (pax.sizeBytes ?? raw.sizeBytes) : 0
    // v7 tar had no type for directories.
    if (raw.typeFlag === '\0' && name.endsWith('/')) type = 'directory'
    const entry: TarEntry = {
      type,
      name,
      linkName,
      mode: raw.mode,
      uid: checkedId(pax.uid ?? raw.uid),
      gid: checkedId(pax.gid ?? raw.gid),
      sizeBytes: type === 'file' ? bodyBytes : 0,
      mtimeSeconds: pax.mtimeSeconds ?? raw.mtimeSeconds,
      mtimeNanos: pax.mtimeNanos ?? 0,
      devMajor: raw.devMajor,
      devMinor: raw.devMinor,
      xattrs: pax.xattrs ?? null,
      dataOffset: this.#offset,
    }
    const sparse = type === 'file' ? sparseMapOf(raw, pax) : null
    if (sparse !== null) {
      this.#sparse = { map: sparse, entry, packedBytes: bodyBytes, isOld: raw.sparse !== null }
      if (raw.sparse?.isContinued !== true && !sparse.wantsBlock) this.#beginSparse()
      return
    }
    this.#handler.entry(entry)
    this.#begin(type === 'file' ? 'content' : 'skip', bodyBytes)
  }
}

/** The map of a sparse file, as far as headers have it; null for other files. */
function sparseMapOf(raw: RawHeader, pax: PaxRecords): SparseMap | null {
  if (raw.sparse !== null)
    return new SparseMap(raw.sparse.map, { sizeBytes: raw.sparse.sizeBytes, isInContent: false })
  if (pax.sparse === undefined) return null
  return new SparseMap(pax.sparse.map, {
    sizeBytes: pax.sparse.sizeBytes ?? -1,
    isInContent: pax.sparse.major === '1',
  })
}

function checkedId(id: number): number {
  // (uid_t)-1 means "leave as it is" to chown(2), so no file can have it.
  if (id < 0 || id >= 0xffffffff) throw new InvalidArgumentError(`archive/tar: id ${id} out of range`)
  return id
}
