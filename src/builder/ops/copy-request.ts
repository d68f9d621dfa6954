import { InvalidArgumentError } from '#errors/errors.ts'
import { flagSwitch, flagValue } from '../dockerfile/instruction-flags.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { Heredoc } from '../dockerfile/logical-lines.ts'
import type { Scope } from '../variables.ts'

/** A COPY or ADD with everything expanded. */
export interface CopyRequest {
  readonly keyword: 'COPY' | 'ADD'
  readonly sources: readonly string[]
  /** Files whose text stands in the Dockerfile. */
  readonly inline: readonly { readonly name: string; readonly content: string }[]
  /** As written: a trailing slash says that it is a directory. */
  readonly destination: string
  /** `user[:group]`, or null: as the source says. */
  readonly chown: string | null
  /** Octal or symbolic, or null: as the source says. */
  readonly chmod: string | null
  readonly excludes: readonly string[]
  /** Keep the sources' parent directories. */
  readonly parents: boolean
  /** The layer does not look at what is beneath it. */
  readonly link: boolean
  readonly checksum: string | null
  /** Unpack archives: null for the instruction's own habit (local archives yes, downloads no). */
  readonly unpack: boolean | null
  readonly keepGitDir: boolean
}

/** Expands an instruction in its scope. @throws InvalidArgumentError */
export function copyRequest(instruction: InstructionOf<'copy' | 'add'>, scope: Scope): CopyRequest {
  const { flags, heredocs } = instruction
  const expanded = (name: string): string | null => {
    const value = flagValue(flags, name)
    return value === null ? null : scope.word(value)
  }
  const named = new Map(heredocs.map((heredoc) => [heredoc.name, heredoc]))
  const inline: CopyRequest['inline'][number][] = []
  const sources: string[] = []
  for (const source of instruction.sources) {
    const heredoc = heredocOf(source, named)
    if (heredoc !== null) inline.push({ name: heredoc.name, content: heredocText(heredoc, scope) })
    else sources.push(scope.word(source))
  }
  const destination = scope.word(instruction.destination)
  if (sources.includes(''))
    throw new InvalidArgumentError(`${instruction.kind.toUpperCase()} failed: source is empty`)
  const checksum = expanded('checksum')
  if (checksum !== null && !/^(?:sha256:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{64})$/.test(checksum))
    throw new InvalidArgumentError(`invalid checksum digest format: ${JSON.stringify(checksum)}`)
  return {
    keyword: instruction.kind === 'copy' ? 'COPY' : 'ADD',
    sources,
    inline,
    destination: destination === '.' || destination.endsWith('/.') ? `${destination}/` : destination,
    chown: expanded('chown'),
    chmod: expanded('chmod'),
    excludes: (flags.get('exclude') ?? []).map((pattern) => scope.word(pattern)),
    parents: flagSwitch(flags, 'parents'),
    link: flagSwitch(flags, 'link'),
    checksum,
    unpack: flags.has('unpack') ? flagSwitch(flags, 'unpack') : null,
    keepGitDir: flagSwitch(flags, 'keep-git-dir'),
  }
}

function heredocOf(source: string, named: ReadonlyMap<string, Heredoc>): Heredoc | null {
  const match = /^\d*<<-?(["']?)([\w.-]+)\1$/.exec(source)
  return match === null ? null : (named.get(match[2] as string) ?? null)
}

/** The text of a here-document, expanded where its name was not quoted. Quotes in it stay as they are. */
export function heredocText(heredoc: Heredoc, scope: Scope): string {
  if (!heredoc.expand) return heredoc.content
  const guarded = heredoc.content.replace(/["']/g, (quote) => `\\${quote}`)
  return scope.word(guarded)
}
