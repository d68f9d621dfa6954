import { DockerfileError } from './dockerfile-error.ts'
import { splitWords } from './shell-words.ts'

/** A here-document that follows an instruction. */
export interface Heredoc {
  readonly name: string
  /** The text up to the line that holds the name alone; ends with a newline unless empty. */
  readonly content: string
  /** False where the name was quoted: the text is taken as it is. */
  readonly expand: boolean
  /** True for `<<-`: leading tabs are removed. */
  readonly chomp: boolean
}

/** One instruction as text: continuation lines joined, comments dropped, here-documents gathered. */
export interface LogicalLine {
  readonly text: string
  readonly heredocs: readonly Heredoc[]
  /** Lines of the file, from 1, both inclusive. */
  readonly startLine: number
  readonly endLine: number
}

const TAKES_HEREDOC = /^(?:onbuild\s+)?(run|copy|add)\b/i
const HEREDOC_WORD = /^(\d*)<<(-?)([^<]*)$/

/**
 * Groups the lines of a Dockerfile into instructions.
 * @throws DockerfileError for a here-document without its end.
 */
export function readLogicalLines(lines: readonly string[], escape: '\\' | '`'): LogicalLine[] {
  const result: LogicalLine[] = []
  let next = 0
  while (next < lines.length) {
    const start = next
    let text = ''
    let continued = true
    while (continued && next < lines.length) {
      const raw = lines[next] as string
      next += 1
      // Comments and empty lines inside an instruction do not end it.
      if (/^\s*#/.test(raw) || (text !== '' && raw.trim() === '')) continue
      const { body, joins } = cutContinuation(text === '' ? raw.trimStart() : raw, escape)
      text += body
      continued = joins
    }
    text = text.trim()
    if (text === '') continue
    const heredocs = TAKES_HEREDOC.test(text) ? headersOf(text, escape) : []
    const bodies: Heredoc[] = []
    for (const header of heredocs) {
      const read = readBody(lines, next, header)
      if (read === null) throw new DockerfileError(start + 1, 'unterminated heredoc')
      bodies.push(read.heredoc)
      next = read.next
    }
    result.push({ text, heredocs: bodies, startLine: start + 1, endLine: next })
  }
  return trimStartLines(result, lines)
}

/** The start of an instruction is its first line with text, not a comment before it. */
function trimStartLines(found: readonly LogicalLine[], lines: readonly string[]): LogicalLine[] {
  return found.map((line) => {
    let startLine = line.startLine
    while (startLine < line.endLine && /^\s*(#.*)?$/.test(lines[startLine - 1] as string)) startLine += 1
    return { ...line, startLine }
  })
}

function cutContinuation(line: string, escape: string): { body: string; joins: boolean } {
  const trimmed = line.replace(/[ \t]+$/, '')
  const joins = trimmed.endsWith(escape) && !trimmed.endsWith(escape + escape)
  return joins ? { body: trimmed.slice(0, -1), joins } : { body: line, joins }
}

type Header = Pick<Heredoc, 'name' | 'expand' | 'chomp'>

function headersOf(text: string, escape: string): Header[] {
  const headers: Header[] = []
  for (const word of splitWords(text, escape)) {
    const match = HEREDOC_WORD.exec(word)
    const raw = match?.[3]
    if (match === null || raw === undefined || raw === '') continue
    const name = raw.replace(/^(["'])(.*)\1$/, '$2')
    if (!/^[\w.-]+$/.test(name)) continue
    headers.push({ name, expand: name === raw, chomp: match[2] === '-' })
  }
  return headers
}

function readBody(
  lines: readonly string[],
  from: number,
  header: Header,
): { heredoc: Heredoc; next: number } | null {
  let content = ''
  for (let index = from; index < lines.length; index += 1) {
    const raw = lines[index] as string
    const line = header.chomp ? raw.replace(/^\t+/, '') : raw
    if (line === header.name) return { heredoc: { ...header, content }, next: index + 1 }
    content += `${line}\n`
  }
  return null
}
