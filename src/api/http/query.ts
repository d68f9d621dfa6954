import { InvalidArgumentError } from '#errors/errors.ts'

const FALSE_WORDS = new Set(['', '0', 'no', 'false', 'none'])

/** Query parameters, read by Docker's rules: the first value counts, and a boolean is true unless it says no. */
export class Query {
  readonly #parameters: URLSearchParams

  constructor(search: string) {
    this.#parameters = new URLSearchParams(search)
  }

  has(name: string): boolean {
    return this.#parameters.has(name)
  }

  /** The value, or empty. */
  text(name: string): string {
    return this.#parameters.get(name) ?? ''
  }

  /** All values of a parameter that may be repeated. */
  all(name: string): string[] {
    return this.#parameters.getAll(name)
  }

  /** False for absent, empty, `0`, `no`, `false` and `none`, in any case; else true. */
  boolean(name: string, otherwise = false): boolean {
    if (!this.#parameters.has(name)) return otherwise
    return !FALSE_WORDS.has(this.text(name).trim().toLowerCase())
  }

  /** The number, or null when absent or empty. @throws InvalidArgumentError when it is not a whole number. */
  integer(name: string): number | null {
    const text = this.text(name)
    if (text === '') return null
    const value = Number(text)
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
      throw new InvalidArgumentError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
    }
    return value
  }

  /** The number, or 0 when it cannot be read: parameters that Docker is lenient with. */
  integerOrZero(name: string): number {
    const value = Number(this.text(name))
    return Number.isSafeInteger(value) ? value : 0
  }
}
