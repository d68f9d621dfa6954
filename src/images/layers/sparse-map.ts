import { InvalidArgumentError } from '#errors/errors.ts'
import type { SparsePiece } from './tar-entry.ts'
import { BLOCK_BYTES } from './tar-header.ts'

/** The most bytes or entries of a map, as for other extensions of a header. */
const MAX_MAP = 1024 * 1024

/** The pieces of a sparse file, gathered while its map comes by. */
export class SparseMap {
  readonly sizeBytes: number
  readonly #numbers: number[]
  /** Of a map that stands as text before the content (pax 1.0): how many numbers it still lacks; null for others. */
  #missing: number | null
  #isCounted = false
  #text = ''
  #mapBytes = 0

  /** @param options.isInContent the map comes before the content, by `addBlock` */
  constructor(
    map: readonly number[],
    options: { readonly sizeBytes: number; readonly isInContent: boolean },
  ) {
    this.#numbers = [...map]
    this.sizeBytes = options.sizeBytes
    this.#missing = options.isInContent ? 1 : null
  }

  /** Numbers of a block of GNU's old format. @throws InvalidArgumentError when there are too many */
  add(numbers: readonly number[]): void {
    if (this.#numbers.length + numbers.length > MAX_MAP) throw malformed()
    for (const number of numbers) this.#numbers.push(number)
  }

  /** Takes a block of the map of pax 1.0: decimal numbers, one a line, the first says how many pairs follow. */
  addBlock(block: Buffer): void {
    this.#mapBytes += BLOCK_BYTES
    if (this.#mapBytes > MAX_MAP) throw malformed()
    this.#text += block.toString('latin1')
    for (
      let end = this.#text.indexOf('\n');
      end !== -1 && this.#missing !== 0;
      end = this.#text.indexOf('\n')
    ) {
      const line = this.#text.slice(0, end)
      this.#text = this.#text.slice(end + 1)
      if (!/^\d{1,16}$/.test(line) || !Number.isSafeInteger(Number(line))) throw malformed()
      if (this.#isCounted) {
        this.#numbers.push(Number(line))
        this.#missing = (this.#missing ?? 0) - 1
      } else {
        this.#isCounted = true
        this.#missing = Number(line) * 2
      }
    }
  }

  /** The map is not complete: `addBlock` is to be called. */
  get wantsBlock(): boolean {
    return this.#missing !== null && this.#missing > 0
  }

  /** How much of what follows the header is the map. */
  get mapBytes(): number {
    return this.#mapBytes
  }

  /** The pieces, without empty ones. @throws InvalidArgumentError when they overlap, leave the file, or are not all there. */
  pieces(packedBytes: number): SparsePiece[] {
    if (this.#numbers.length % 2 !== 0 || this.sizeBytes < 0) throw malformed()
    const pieces: SparsePiece[] = []
    let end = 0
    let total = 0
    for (let at = 0; at < this.#numbers.length; at += 2) {
      const [offset, bytes] = [this.#numbers[at] as number, this.#numbers[at + 1] as number]
      if (offset < end || bytes < 0 || offset + bytes > this.sizeBytes) throw malformed()
      end = offset + bytes
      total += bytes
      if (bytes > 0) pieces.push({ offset, bytes })
    }
    if (total !== packedBytes) throw malformed()
    return pieces
  }
}

function malformed(): InvalidArgumentError {
  return new InvalidArgumentError('archive/tar: invalid tar header')
}
