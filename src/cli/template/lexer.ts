/** A template cannot be read or run; the message is Go's. */
export class TemplateError extends Error {}

/** A word of an action. `at` is its offset in the template. */
export interface Token {
  readonly kind:
    | 'text'
    | 'open'
    | 'close'
    | 'field'
    | 'variable'
    | 'identifier'
    | 'string'
    | 'char'
    | 'number'
    | 'dot'
    | 'pipe'
    | 'comma'
    | 'assign'
    | 'declare'
    | 'left'
    | 'right'
    | 'space'
    | 'end'
  readonly text: string
  readonly at: number
}

/** Where an offset lies, as Go's template errors say it: line, then bytes into the line. */
export function position(source: string, at: number): string {
  const before = source.slice(0, at)
  const line = before.split('\n').length
  return `${line}:${Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1))}`
}

/** The line of an offset, for errors of parsing, which Go reports without a column. */
export const lineOf = (source: string, at: number): number => source.slice(0, at).split('\n').length

const fail = (source: string, { at, message }: { at: number; message: string }): never => {
  throw new TemplateError(`template: :${lineOf(source, at)}: ${message}`)
}

/** Splits a template into text and the words of its actions. @throws TemplateError. */
export function lexTemplate(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  let trimNext = false
  while (at <= source.length) {
    const open = source.indexOf('{{', at)
    let text = source.slice(at, open < 0 ? source.length : open)
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, '')
    const trimsBefore = open >= 0 && /^\{\{-[ \t\r\n]/.test(source.slice(open, open + 4))
    if (trimsBefore) text = text.replace(/[ \t\r\n]+$/, '')
    if (text !== '') tokens.push({ kind: 'text', text, at })
    if (open < 0) break
    const start = open + (trimsBefore ? 4 : 2)
    if (source.startsWith('/*', start)) {
      const end = source.indexOf('*/', start)
      const after = /^(?:[ \t\r\n]-)?\}\}/.exec(source.slice(end + 2, end + 6))
      if (end < 0) fail(source, { at: open, message: 'unclosed comment' })
      if (after === null) fail(source, { at: open, message: 'comment ends before closing delimiter' })
      trimNext = (after?.[0] ?? '').length > 2
      at = end + 2 + (after?.[0] ?? '').length
      continue
    }
    tokens.push({ kind: 'open', text: '{{', at: open })
    const end = lexAction(source, { start, tokens })
    trimNext = end.trims
    at = end.at
  }
  tokens.push({ kind: 'end', text: '', at: source.length })
  return tokens
}

const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['space', /[ \t\r\n]+/y],
  ['declare', /:=/y],
  ['assign', /=/y],
  ['pipe', /\|/y],
  ['comma', /,/y],
  ['left', /\(/y],
  ['right', /\)/y],
  [
    'number',
    /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?)/y,
  ],
  ['field', /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ['variable', /\$[\p{L}\p{N}_]*/uy],
  ['identifier', /[\p{L}_][\p{L}\p{N}_]*/uy],
  ['string', /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ['char', /'(?:[^'\\\n]|\\.)+'/y],
  ['dot', /\./y],
]

function lexAction(
  source: string,
  { start, tokens }: { start: number; tokens: Token[] },
): { at: number; trims: boolean } {
  let at = start
  let depth = 0
  for (;;) {
    const close = /^(?:[ \t\r\n]+-\}\}|\}\})/.exec(source.slice(at, at + 64))
    if (close !== null) {
      if (depth > 0) fail(source, { at, message: 'unclosed left paren' })
      tokens.push({ kind: 'close', text: '}}', at })
      return { at: at + close[0].length, trims: close[0].length > 2 }
    }
    if (at >= source.length) fail(source, { at: start, message: 'unclosed action' })
    const token = next(source, at)
    if (token === null) {
      const char = source.charAt(at)
      if (char === '"') fail(source, { at, message: 'unterminated quoted string' })
      if (char === '`') fail(source, { at, message: 'unterminated raw quoted string' })
      if (char === "'") fail(source, { at, message: 'unterminated character constant' })
      const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
      fail(source, { at, message: `unrecognized character in action: U+${code} '${char}'` })
      return { at, trims: false }
    }
    if (token.kind === 'left') depth += 1
    if (token.kind === 'right' && (depth -= 1) < 0) fail(source, { at, message: 'unexpected right paren' })
    tokens.push(token)
    at += token.text.length
  }
}

function next(source: string, at: number): Token | null {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at
    const match = pattern.exec(source)
    if (match !== null && match[0] !== '') return { kind, text: match[0], at }
  }
  return null
}
