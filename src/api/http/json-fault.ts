/** What comes where in JSON, in the words of Go's decoder: clients and their tests look for them. */
const LITERALS = ['true', 'false', 'null'] as const

/**
 * Tells, as dockerd would, why a text is no JSON; the text is one that `JSON.parse` refused.
 * `unexpected EOF` is a text cut short; what follows a complete value is a fault of its own.
 */
export function jsonFault(text: string): string {
  const scan = new Scan(text)
  const fault = scan.value('looking for beginning of value')
  if (fault === null) return 'unexpected content after JSON'
  return `invalid JSON: ${fault}`
}

/** Walks one value; each method gives the fault it met, or null. */
class Scan {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(where: string): string | null {
    const next = this.#peek()
    if (next === '{') return this.#list('}', () => this.#member())
    if (next === '[') return this.#list(']', () => this.value('looking for beginning of value'))
    if (next === '"') return this.#string()
    const literal = LITERALS.find((word) => word[0] === next)
    if (literal !== undefined) return this.#literal(literal)
    const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
    number.lastIndex = this.#at
    const match = number.exec(this.#text)
    if (match === null)
      return next === '-' ? this.#unexpectedAt(this.#at + 1, 'in numeric literal') : this.#unexpected(where)
    this.#at = number.lastIndex
    return null
  }

  #list(end: '}' | ']', element: () => string | null): string | null {
    this.#at++
    if (this.#peek() === end) return this.#pass()
    for (;;) {
      const fault = element()
      if (fault !== null) return fault
      const next = this.#peek()
      if (next === end) return this.#pass()
      if (next !== ',')
        return this.#unexpected(end === ']' ? 'after array element' : 'after object key:value pair')
      this.#at++
    }
  }

  #member(): string | null {
    if (this.#peek() !== '"') return this.#unexpected('looking for beginning of object key string')
    const fault = this.#string()
    if (fault !== null) return fault
    if (this.#peek() !== ':') return this.#unexpected('after object key')
    this.#at++
    return this.value('looking for beginning of value')
  }

  #string(): string | null {
    for (let at = this.#at + 1; at < this.#text.length; at++) {
      const character = this.#text[at] as string
      if (character < ' ') return this.#unexpectedAt(at, 'in string literal')
      if (character === '"') {
        this.#at = at + 1
        return null
      }
      if (character !== '\\') continue
      at++
      const escape = this.#text[at]
      if (escape === undefined) break
      if (!'"\\/bfnrtu'.includes(escape)) return this.#unexpectedAt(at, 'in string escape code')
      if (escape !== 'u') continue
      for (let digit = 0; digit < 4; digit++) {
        at++
        if (!/^[0-9a-fA-F]$/.test(this.#text[at] ?? '')) {
          return this.#unexpectedAt(at, 'in \\u hexadecimal character escape')
        }
      }
    }
    return 'unexpected EOF'
  }

  #literal(word: string): string | null {
    for (const [index, expected] of [...word].entries()) {
      if (this.#text[this.#at + index] !== expected) {
        return this.#unexpectedAt(this.#at + index, `in literal ${word} (expecting '${expected}')`)
      }
    }
    this.#at += word.length
    return null
  }

  /** The next character that is not white space, which is skipped. */
  #peek(): string | undefined {
    while (/^[ \t\r\n]$/.test(this.#text[this.#at] ?? '')) this.#at++
    return this.#text[this.#at]
  }

  #pass(): null {
    this.#at++
    return null
  }

  #unexpected(where: string): string {
    return this.#unexpectedAt(this.#at, where)
  }

  #unexpectedAt(at: number, where: string): string {
    const point = this.#text.codePointAt(at)
    if (point === undefined) return 'unexpected EOF'
    const character = String.fromCodePoint(point)
    const quoted =
      character === "'" ? "'\\''" : character === '"' ? `'"'` : `'${JSON.stringify(character).slice(1, -1)}'`
    return `invalid character ${quoted} ${where}`
  }
}
