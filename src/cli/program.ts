import { messageOf, WharfError } from '#errors/errors.ts'
import { readCliConfig } from './config.ts'
import { bool, list, string } from './core/flag.ts'
import type { Context } from './core/context.ts'
import { ExitError } from './core/exit.ts'
import type { Command } from './core/command.ts'
import { Output } from './core/output.ts'
import { HelpWanted, parseFlags, UsageError } from './core/parse-flags.ts'
import type { Parsed } from './core/parse-flags.ts'
import { findCommand } from './find-command.ts'
import type { Found } from './find-command.ts'

/** The flags before the command. */
export const globalFlags = {
  config: string('Folder of the client configuration (default "~/.docker")'),
  context: string('Context to use; goes before DOCKER_HOST and the current context', { short: 'c' }),
  debug: bool('Say more when something fails', { short: 'D' }),
  host: list('Address of the daemon', { short: 'H' }),
  'log-level': string('How much to log (debug, info, warn, error, fatal)', { short: 'l', initial: 'info' }),
  tls: bool('Use TLS; --tlsverify implies it'),
  tlscacert: string('Trust only certificates signed by this CA'),
  tlscert: string('Certificate to show to the daemon'),
  tlskey: string('Key of that certificate'),
  tlsverify: bool('Use TLS and check the daemon’s certificate'),
  version: bool('Print the version and end', { short: 'v' }),
} as const

const PROGRAM = 'wharf'

/** Runs a command line. @returns the exit status. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const out = new Output(1)
  const err = new Output(2)
  try {
    const globals = readGlobals(argv, err)
    if (typeof globals === 'number') return globals
    if (globals.values['version'] === true) {
      const { clientVersion } = await import('./client-version.ts')
      out.line(`Wharf version ${clientVersion.version}, build ${clientVersion.commit}`)
      return 0
    }
    const found = findCommand(globals.args)
    if (found.kind !== 'command') return await withoutCommand(found, { out, err, globals })
    const config = readCliConfig((globals.values['config'] as string) || null)
    return await runCommand(found, { out, err, globals, config })
  } catch (error) {
    err.line(messageOf(error))
    return error instanceof ExitError ? error.status : 1
  }
}

function readGlobals(argv: readonly string[], err: Output): Parsed | number {
  try {
    return parseFlags(globalFlags, argv, { interspersed: false })
  } catch (error) {
    if (error instanceof HelpWanted) return { values: {}, given: new Set(), args: ['--help'] }
    if (!(error instanceof UsageError)) throw error
    err.line(
      `${error.message}\n\nUsage:  ${PROGRAM} [OPTIONS] COMMAND [ARG...]\n\nRun '${PROGRAM} --help' for more information`,
    )
    return 125
  }
}

interface Streams {
  readonly out: Output
  readonly err: Output
  readonly globals: Parsed
}

async function withoutCommand(
  found: Exclude<Found, { kind: 'command' }>,
  { out, err, globals }: Streams,
): Promise<number> {
  if (found.kind === 'plugin') {
    const { runPlugin } = await import('./plugins.ts')
    const status = await runPlugin(found.name, { argv: globals.args, globals })
    if (status !== null) return status
    err.line(
      `${PROGRAM}: unknown command: ${PROGRAM} ${found.name}\n\nRun '${PROGRAM} --help' for more information`,
    )
    return 1
  }
  const { programHelp, branchHelp } = await import('./overview.ts')
  if (found.kind === 'program') out.write(programHelp(PROGRAM, globalFlags))
  else if (found.unknown === null) out.write(branchHelp(PROGRAM, found.branch))
  else {
    const path = `${PROGRAM} ${found.branch.name}`
    err.line(
      `${PROGRAM}: unknown command: ${path} ${found.unknown}\n\nUsage:  ${path}\n\nRun '${path} --help' for more information`,
    )
    return 1
  }
  return 0
}

type FoundCommand = Extract<Found, { kind: 'command' }>

async function runCommand(
  found: FoundCommand,
  { out, err, globals, config }: Streams & { config: Context['config'] },
): Promise<number> {
  const { default: command } = await found.leaf.load()
  const path = `${PROGRAM} ${found.path}`
  let parsed: Parsed
  try {
    if (found.help) throw new HelpWanted()
    parsed = parseFlags(command.flags, found.argv, { interspersed: command.interspersed ?? true })
  } catch (error) {
    if (error instanceof HelpWanted) {
      const { commandHelp } = await import('./core/help.ts')
      const { aliasesOf } = await import('./overview.ts')
      out.write(commandHelp(command, { path, short: found.leaf.short, aliases: aliasesOf(PROGRAM, found) }))
      return 0
    }
    if (!(error instanceof UsageError)) throw error
    err.line(
      `${error.message}\n\n${await usageOf(path, command)}\n\nRun '${path} --help' for more information`,
    )
    return 125
  }
  const wrong = wrongCount(command, { count: parsed.args.length, path })
  if (wrong !== null) {
    err.line(
      `${PROGRAM}: ${wrong}\n\n${await usageOf(path, command)}\n\nRun '${path} --help' for more information`,
    )
    return 1
  }
  const context: Context = {
    out,
    err,
    config,
    globals: globals.values,
    invokedAs: found.path,
    client: async () =>
      (await import('./connect.ts')).connectClient({ globals: globals.values, config, err }),
  }
  try {
    return (
      (await command.run(context, {
        flags: parsed.values as never,
        args: parsed.args,
        given: (name) => parsed.given.has(name),
      })) ?? 0
    )
  } catch (error) {
    return report(error, { err, path, status: command.errorStatus ?? 1 })
  }
}

async function usageOf(path: string, command: Command): Promise<string> {
  return (await import('./core/help.ts')).usageLines(path, command.usage)
}

function report(
  error: unknown,
  { err, path, status }: { err: Output; path: string; status: number },
): number {
  const text = errorText(error)
  const hint = error instanceof ExitError ? error.withHint : status === 125
  if (text !== '') err.line(hint ? `${PROGRAM}: ${text}\n\nRun '${path} --help' for more information` : text)
  return error instanceof ExitError ? error.status : status
}

/** An error as the user sees it: what the daemon said is marked as the daemon's. */
export function errorText(error: unknown): string {
  // Told by its HTTP status, so that the client need not be loaded for errors of the command line.
  const isDaemons = error instanceof WharfError && 'status' in error
  return isDaemons ? `Error response from daemon: ${error.message}` : messageOf(error)
}

function wrongCount(
  { args: { min, max } }: Command,
  { count, path }: { count: number; path: string },
): string | null {
  if (count >= min && (max === null || count <= max)) return null
  const plural = (n: number) => `${n} argument${n === 1 ? '' : 's'}`
  if (max === 0) return `'${path}' accepts no arguments`
  if (min === max) return `'${path}' requires ${plural(min)}`
  if (max === null) return `'${path}' requires at least ${plural(min)}`
  if (min === 0) return `'${path}' requires at most ${plural(max)}`
  return `'${path}' requires at least ${min} and at most ${plural(max)}`
}
