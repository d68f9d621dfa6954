import type { Heredoc } from './logical-lines.ts'

/** A command in shell form (`RUN a b`) or exec form (`RUN ["a", "b"]`). */
export type CommandLine =
  | { readonly form: 'shell'; readonly text: string }
  | { readonly form: 'exec'; readonly argv: readonly string[] }

/** `NAME=value`, before expansion. */
export interface Pair {
  readonly name: string
  readonly value: string
}

/** Where an instruction stands, and how it was written. */
export interface Origin {
  /** The instruction as written, continuation lines joined: what `Step 1/2 : …` shows. */
  readonly text: string
  readonly startLine: number
  readonly endLine: number
}

/** The flags (`--name=value`) before an instruction's arguments, in order; a flag without a value is `true`. */
export type Flags = ReadonlyMap<string, readonly string[]>

/** A shape for each of several kinds. */
type Each<Kind extends string, Shape> = Kind extends string ? { readonly kind: Kind } & Shape : never

/** What one instruction says, in the words of the Dockerfile reference; nothing is expanded yet. */
export type Instruction = Origin &
  (
    | {
        readonly kind: 'from'
        readonly base: string
        readonly name: string | null
        readonly platform: string | null
      }
    | {
        readonly kind: 'arg'
        readonly args: readonly { readonly name: string; readonly value: string | null }[]
      }
    | Each<'env' | 'label', { readonly pairs: readonly Pair[] }>
    | Each<'maintainer' | 'user' | 'stopsignal', { readonly value: string }>
    | { readonly kind: 'workdir'; readonly value: string }
    | Each<'expose' | 'volume', { readonly values: readonly string[] }>
    | Each<'cmd' | 'entrypoint', { readonly command: CommandLine }>
    | { readonly kind: 'shell'; readonly argv: readonly string[] }
    | { readonly kind: 'onbuild'; readonly trigger: string }
    | { readonly kind: 'healthcheck'; readonly test: CommandLine | null; readonly flags: Flags }
    | {
        readonly kind: 'run'
        readonly command: CommandLine
        readonly heredocs: readonly Heredoc[]
        readonly flags: Flags
      }
    | Each<
        'copy' | 'add',
        {
          readonly sources: readonly string[]
          readonly destination: string
          readonly heredocs: readonly Heredoc[]
          readonly flags: Flags
        }
      >
  )

/** The names of all instructions. */
export type Keyword = Instruction['kind']

/** One instruction of a kind. */
export type InstructionOf<K extends Keyword> = Extract<Instruction, { kind: K }>
