/** The patterns of a .dockerignore. */
export interface Ignore {
  /** Whether a path (with `/`, below the context) is left out. */
  excludes(path: string): boolean
  /** Whether something below an excluded folder may come back by a `!` pattern. */
  mayInclude(folder: string): boolean
}

interface Pattern {
  readonly text: string
  readonly isException: boolean
  readonly expression: RegExp
}

/** Reads a .dockerignore. The last pattern that matches a path, or a folder that it lies in, decides. */
export function parseIgnore(text: string): Ignore {
  const patterns = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(parsePattern)
    .filter((pattern) => pattern !== null)
  return {
    excludes: (path) => excludes(patterns, path),
    mayInclude: (folder) =>
      patterns.some(({ isException, text: exception }) => isException && couldLieBelow(exception, folder)),
  }
}

function parsePattern(line: string): Pattern | null {
  const isException = line.startsWith('!')
  const text = clean(isException ? line.slice(1).trim() : line)
  return text === '' || text === '.' ? null : { text, isException, expression: expressionOf(text) }
}

/** Go's filepath.Clean, without the slash that stands first. */
function clean(text: string): string {
  const parts: string[] = []
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

function excludes(patterns: readonly Pattern[], path: string): boolean {
  const parts = path.split('/')
  const prefixes = parts.map((_part, at) => parts.slice(0, at + 1).join('/'))
  let excluded = false
  for (const { isException, expression } of patterns) {
    if (excluded === isException && prefixes.some((prefix) => expression.test(prefix)))
      excluded = !isException
  }
  return excluded
}

/** Compares part by part as long as the exception's own parts are plain; a wildcard may match anything. */
function couldLieBelow(exception: string, folder: string): boolean {
  const wanted = exception.split('/')
  const given = folder.split('/')
  for (let at = 0; at < given.length; at += 1) {
    const part = wanted[at]
    if (part === undefined) return true
    if (part === '**') return true
    if (!expressionOf(part).test(given[at] ?? '')) return false
  }
  return true
}

function expressionOf(pattern: string): RegExp {
  let out = '^'
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at)
    if (char === '*') {
      if (pattern.charAt(at + 1) !== '*') {
        out += '[^/]*'
        continue
      }
      at += 1
      if (pattern.charAt(at + 1) === '/') at += 1
      out += at === pattern.length - 1 ? '.*' : '(?:.*/)?'
    } else if (char === '?') out += '[^/]'
    else if (char === '[') {
      const end = pattern.indexOf(']', at + 2)
      if (end < 0) out += '\\['
      else {
        out += pattern.slice(at, end + 1).replaceAll('\\', '\\\\')
        at = end
      }
    } else if (char === '\\' && at + 1 < pattern.length) {
      at += 1
      out += escape(pattern.charAt(at))
    } else out += escape(char)
  }
  return new RegExp(`${out}$`)
}

const escape = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
