import { DockerfileError } from './dockerfile-error.ts'

/** The parser directives at the head of a Dockerfile (Dockerfile reference, "Parser directives"). */
export interface Directives {
  /** The character that escapes and joins lines. */
  readonly escape: '\\' | '`'
  /** The frontend image that the file names. Wharf has one frontend of its own and only reports this. */
  readonly syntax: string | null
  /** The settings of the build checks (`skip=…;error=true`). */
  readonly check: string | null
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/
const KNOWN: ReadonlySet<string> = new Set(['escape', 'syntax', 'check'])

/**
 * Reads the directives. They end at the first line that is not one: a later `# escape=` is a comment.
 * @throws DockerfileError for a directive given twice, or an escape that is neither backslash nor backtick.
 */
export function readDirectives(lines: readonly string[]): Directives {
  const found = new Map<string, string>()
  for (const [index, line] of lines.entries()) {
    const match = DIRECTIVE.exec(line)
    const key = match?.[1]?.toLowerCase()
    if (match === null || key === undefined || !KNOWN.has(key)) break
    if (found.has(key)) throw new DockerfileError(index + 1, `only one ${key} parser directive can be used`)
    const value = match[2] as string
    if (key === 'escape' && value !== '\\' && value !== '`') {
      throw new DockerfileError(index + 1, `invalid ESCAPE '${value}' does not match \` or \\`)
    }
    found.set(key, value)
  }
  return {
    escape: (found.get('escape') ?? '\\') as '\\' | '`',
    syntax: found.get('syntax') ?? null,
    check: found.get('check') ?? null,
  }
}
