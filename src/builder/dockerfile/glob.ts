/**
 * Turns a shell pattern (`*`, `?`, `[a-z]`, backslash) into an anchored regular expression. With `separator`,
 * `*` and `?` stop at it, and `**` does not (Go's filepath.Match, and .dockerignore's rule for `**`).
 */
export function globToRegExp(
  pattern: string,
  options: { separator?: string; greedy?: boolean } = {},
): RegExp {
  const any = options.separator === undefined ? '[^]' : `[^${options.separator}]`
  const lazy = options.greedy === true ? '' : '?'
  let source = ''
  for (let i = 0; i < pattern.length; i += 1) {
    const c = pattern[i] as string
    if (c === '*') {
      if (options.separator !== undefined && pattern[i + 1] === '*') {
        i += 1
        // `**/` also matches no directory at all.
        if (pattern[i + 1] === options.separator) {
          i += 1
          source += `(?:[^]*${options.separator})?`
        } else source += '[^]*'
      } else source += `${any}*${lazy}`
    } else if (c === '?') source += any
    else if (c === '[') {
      const end = pattern.indexOf(']', i + 2)
      if (end < 0) source += '\\['
      else {
        source += characterClass(pattern.slice(i + 1, end))
        i = end
      }
    } else {
      const literal = c === '\\' && i + 1 < pattern.length ? (pattern[(i += 1)] as string) : c
      source += literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    }
  }
  return new RegExp(`^${source}$`, 'su')
}

/** The inside of `[…]`; a range that runs backwards matches nothing. */
function characterClass(text: string): string {
  const negated = /^[!^]/.test(text)
  const parts = [...(negated ? text.slice(1) : text)]
  let inside = ''
  for (let i = 0; i < parts.length; i += 1) {
    const first = parts[i] as string
    const last = parts[i + 1] === '-' && i + 2 < parts.length ? (parts[(i += 2)] as string) : first
    if (first <= last) inside += first === last ? literal(first) : `${literal(first)}-${literal(last)}`
  }
  return `[${negated ? '^' : ''}${inside}]`
}

function literal(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`
}
