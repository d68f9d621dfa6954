import { InvalidArgumentError } from '#errors/errors.ts'

/** Below this nothing is looked at: it does no harm. */
const FLOOR_BYTES = 256 * 1024 * 1024
/** Nothing that people pack shrinks so much: text logs to a fiftieth, zeros aside. */
const MAX_RATIO = 500

/** Ends a layer that is made to fill the disk: one that expands beyond all measure to something other than zeros, which take no room. */
export class ExpansionGuard {
  #read = 0
  #bytes = 0

  /** So many bytes came in, compressed or not. */
  read(bytes: number): void {
    this.#read += bytes
  }

  /** What came of them. @throws InvalidArgumentError */
  inflated(bytes: Buffer): void {
    const total = this.#bytes + bytes.length
    if (total > FLOOR_BYTES && total > this.#read * MAX_RATIO && isZero(bytes)) return
    this.#bytes = total
    if (total > FLOOR_BYTES && total > this.#read * MAX_RATIO)
      throw new InvalidArgumentError(`the layer expands to more than ${MAX_RATIO} times its size`)
  }
}

/** Whether all bytes are zero. */
export function isZero(bytes: Buffer): boolean {
  for (let at = 0; at < bytes.length; at += ZEROES.length) {
    const piece = bytes.subarray(at, at + ZEROES.length)
    if (piece.compare(ZEROES, 0, piece.length) !== 0) return false
  }
  return true
}

const ZEROES = Buffer.alloc(64 * 1024)
