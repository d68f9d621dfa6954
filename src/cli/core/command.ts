import type { Context } from './context.ts'
import type { Flags, FlagValues } from './flag.ts'

/** What a command is given when it runs. */
export interface Invocation<F> {
  readonly flags: FlagValues<F>
  readonly args: readonly string[]
  /** Whether the flag was on the command line. */
  given(name: keyof F & string): boolean
}

/** How many arguments a command takes; `max` null is no limit. */
export interface ArgsRule {
  readonly min: number
  readonly max: number | null
}

/** One command. What it is called and its one-line description stand in `tree.ts`, so that help loads no command. */
export interface Command<F extends Flags = Flags> {
  /** The usage line after the command's name; further lines are usage lines of their own. */
  readonly usage: string
  /** Said after the short description in the help. */
  readonly long?: string
  readonly flags: F
  readonly args: ArgsRule
  /** False when the first argument ends the flags, as in `run IMAGE COMMAND`. */
  readonly interspersed?: boolean
  /** The exit status of an error that names none itself. */
  readonly errorStatus?: number
  /** @returns the exit status; nothing is 0. */
  run(context: Context, invocation: Invocation<F>): Promise<number | void>
}

/** Declares a command, with the types of its flags inferred. */
export function command<const F extends Flags>(definition: Command<F>): Command {
  return definition as unknown as Command
}

/** Exactly that many arguments. */
export const exactly = (count: number): ArgsRule => ({ min: count, max: count })
/** That many arguments or more. */
export const atLeast = (count: number): ArgsRule => ({ min: count, max: null })
/** Up to that many arguments. */
export const atMost = (count: number): ArgsRule => ({ min: 0, max: count })
/** Between two counts of arguments. */
export const between = (min: number, max: number): ArgsRule => ({ min, max })
/** No argument at all. */
export const noArgs: ArgsRule = { min: 0, max: 0 }
