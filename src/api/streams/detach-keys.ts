import { InvalidArgumentError } from '#errors/errors.ts'

/** ctrl-p ctrl-q. */
const DEFAULT_KEYS: readonly number[] = [16, 17]

const CONTROL_KEYS = '@abcdefghijklmnopqrstuvwxyz[\\]^_'

/**
 * The bytes of detach keys in Docker's notation: `a`, or `ctrl-` and a letter or one of `@[\]^_`, joined by commas.
 * @throws InvalidArgumentError for anything else.
 */
export function parseDetachKeys(text: string | null): readonly number[] {
  if (text === null || text === '') return DEFAULT_KEYS
  return text.split(',').map((key) => {
    const control = /^ctrl-(.)$/.exec(key)?.[1]
    const code = control === undefined ? key.charCodeAt(0) : CONTROL_KEYS.indexOf(control)
    if (code === -1 || (control === undefined && (key.length !== 1 || code > 127))) {
      throw new InvalidArgumentError(`Invalid detach keys (${text}) provided`)
    }
    return code
  })
}

/**
 * Looks for detach keys in what a client types. Bytes that may be their beginning are held back until the next byte
 * tells; once the keys were typed, nothing passes any more.
 */
export class DetachScanner {
  readonly #keys: readonly number[]
  #matched = 0
  #detached = false

  constructor(keys: readonly number[]) {
    this.#keys = keys
  }

  /** True once the keys were typed. */
  get isDetached(): boolean {
    return this.#detached
  }

  /** What of these bytes (and of those held back) the process should get. */
  scan(bytes: Uint8Array): Uint8Array {
    if (this.#matched === 0 && !bytes.includes(this.#keys[0] as number)) return bytes
    const passed: number[] = []
    for (const byte of bytes) {
      if (byte !== this.#keys[this.#matched]) {
        passed.push(...this.#keys.slice(0, this.#matched))
        this.#matched = 0
      }
      if (byte !== this.#keys[this.#matched]) passed.push(byte)
      else if (++this.#matched === this.#keys.length) {
        this.#detached = true
        break
      }
    }
    return Uint8Array.from(passed)
  }
}
