import { globToRegExp } from './glob.ts'

/** Where variables get their values; null for a variable that is not set. */
export type Lookup = (name: string) => string | null

/** Why a word cannot be expanded; callers add the line. */
export class ExpansionError extends Error {}

/**
 * Expands variables, quotes and escapes in a word as BuildKit does: `$v`, `${v}`, `${v:-w}`, `${v-w}`, `:+`, `+`,
 * `:?`, `?`, `#`, `##`, `%`, `%%`, `/` and `//` (Dockerfile reference, "Environment replacement").
 * @throws ExpansionError in Docker's words.
 */
export function expandWord(word: string, lookup: Lookup, escape = '\\'): string {
  return new Expander(word, lookup, escape).all()
}

/** As `expandWord`, split at unquoted spaces, also those that come from a variable's value. */
export function expandWords(text: string, lookup: Lookup, escape = '\\'): string[] {
  return new Expander(text, lookup, escape).words()
}

const SPECIAL = /[*#@!?$0-9-]/

class Expander {
  readonly #text: string
  readonly #lookup: Lookup
  readonly #escape: string
  #at = 0

  constructor(text: string, lookup: Lookup, escape: string) {
    this.#text = text
    this.#lookup = lookup
    this.#escape = escape
  }

  all(): string {
    let result = ''
    while (this.#at < this.#text.length) result += this.#piece().text
    return result
  }

  words(): string[] {
    const words: string[] = []
    let current: string | null = null
    while (this.#at < this.#text.length) {
      const { text, quoted } = this.#piece()
      if (quoted) {
        current = (current ?? '') + text
        continue
      }
      const parts = text.split(/\s+/)
      for (const [index, part] of parts.entries()) {
        if (index > 0 && current !== null) {
          words.push(current)
          current = null
        }
        if (part !== '') current = (current ?? '') + part
      }
    }
    if (current !== null) words.push(current)
    return words
  }

  #piece(): { text: string; quoted: boolean } {
    const c = this.#text[this.#at] as string
    if (c === "'") return { text: this.#single(), quoted: true }
    if (c === '"') return { text: this.#double(), quoted: true }
    if (c === '$') return { text: this.#dollar(), quoted: false }
    this.#at += 1
    if (c !== this.#escape || this.#at >= this.#text.length) return { text: c, quoted: false }
    return { text: this.#text[this.#at++] as string, quoted: true }
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at + 1)
    if (end < 0)
      throw new ExpansionError('unexpected end of statement while looking for matching single-quote')
    const text = this.#text.slice(this.#at + 1, end)
    this.#at = end + 1
    return text
  }

  #double(): string {
    let result = ''
    this.#at += 1
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at] as string
      if (c === '"') {
        this.#at += 1
        return result
      }
      if (c === '$') {
        result += this.#dollar()
        continue
      }
      this.#at += 1
      const following = this.#text[this.#at]
      if (c === this.#escape && (following === '"' || following === '$' || following === this.#escape)) {
        result += following
        this.#at += 1
      } else result += c
    }
    throw new ExpansionError('unexpected end of statement while looking for matching double-quote')
  }

  #dollar(): string {
    this.#at += 1
    if (this.#text[this.#at] === '{') return this.#braced()
    const name = this.#name()
    return name === '' ? '$' : (this.#lookup(name) ?? '')
  }

  #name(): string {
    const rest = this.#text.slice(this.#at)
    const name =
      /^[a-zA-Z_][a-zA-Z0-9_]*/.exec(rest)?.[0] ?? (SPECIAL.test(rest[0] ?? '') ? (rest[0] as string) : '')
    this.#at += name.length
    return name
  }

  #braced(): string {
    this.#at += 1
    const name = this.#name()
    if (name === '')
      throw new ExpansionError(
        this.#at >= this.#text.length ? "syntax error: missing '}'" : 'syntax error: bad substitution',
      )
    const value = this.#lookup(name)
    const c = this.#text[this.#at]
    this.#at += 1
    switch (c) {
      case '}':
        return value ?? ''
      case ':':
      case '+':
      case '-':
      case '?':
        return this.#choice(name, value, c)
      case '#':
      case '%':
        return this.#trim(value ?? '', c)
      case '/':
        return this.#replace(value ?? '')
      case undefined:
        throw new ExpansionError("syntax error: missing '}'")
      default:
        throw new ExpansionError(`unsupported modifier (${c}) in substitution`)
    }
  }

  #choice(name: string, value: string | null, first: string): string {
    let operator = first
    let present = value !== null
    if (first === ':') {
      operator = this.#text[this.#at] ?? ''
      this.#at += 1
      present = value !== null && value !== ''
    }
    const word = this.#operand('}')
    if (operator === '-') return present ? (value as string) : word
    if (operator === '+') return present ? word : ''
    if (operator !== '?') throw new ExpansionError(`unsupported modifier (:${operator}) in substitution`)
    if (present) return value as string
    throw new ExpansionError(`${name}: ${word === '' ? 'is not allowed to be unset' : word}`)
  }

  #trim(value: string, operator: '#' | '%'): string {
    const greedy = this.#text[this.#at] === operator
    if (greedy) this.#at += 1
    const pattern = globToRegExp(this.#operand('}'))
    const ends = Array.from({ length: value.length + 1 }, (_, n) => (operator === '#' ? n : value.length - n))
    if (greedy) ends.reverse()
    for (const end of ends) {
      const part = operator === '#' ? value.slice(0, end) : value.slice(end)
      if (pattern.test(part)) return operator === '#' ? value.slice(end) : value.slice(0, end)
    }
    return value
  }

  #replace(value: string): string {
    const all = this.#text[this.#at] === '/'
    if (all) this.#at += 1
    const pattern = this.#operand('/')
    const replacement = this.#operand('}')
    const source = globToRegExp(pattern, { greedy: true }).source.slice(1, -1)
    return value.replace(new RegExp(source, all ? 'gsu' : 'su'), () => replacement)
  }

  /** Reads and expands up to the end character, which is consumed. */
  #operand(end: string): string {
    let result = ''
    while (this.#at < this.#text.length) {
      if (this.#text[this.#at] === end) {
        this.#at += 1
        return result
      }
      result += this.#piece().text
    }
    throw new ExpansionError(
      end === '}' ? "syntax error: missing '}'" : `syntax error: missing '${end}' in \${}`,
    )
  }
}
