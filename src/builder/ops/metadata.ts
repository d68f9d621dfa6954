import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { HealthConfig, ImageConfig } from '#spec/docker/container-config.ts'
import { flagValue } from '../dockerfile/instruction-flags.ts'
import type { CommandLine, Instruction, InstructionOf, Keyword } from '../dockerfile/instructions.ts'
import { parseDurationNs } from '../duration.ts'
import type { BuildState } from '../state.ts'
import type { Scope } from '../variables.ts'

/** Instructions that only change the configuration of the image. */
export type MetadataKeyword = Exclude<Keyword, 'from' | 'run' | 'copy' | 'add' | 'workdir'>

/** What an instruction did to a state: the parts that changed, and the line for the history. */
export interface Change {
  readonly state: Partial<Pick<BuildState, 'config' | 'author' | 'args' | 'commandSet'>>
  /** As `docker history` shows it. */
  readonly createdBy: string
}

/** What ARG needs to know beside the state. */
export interface ArgValues {
  /** `--build-arg`. */
  readonly given: Readonly<Record<string, string | null>>
  /** Global ARGs and platform arguments: a bare `ARG name` takes its value from here. */
  readonly global: ReadonlyMap<string, string>
}

/** Tells whether an instruction only changes the configuration. */
export function isMetadata(instruction: Instruction): instruction is InstructionOf<MetadataKeyword> {
  return !['from', 'run', 'copy', 'add', 'workdir'].includes(instruction.kind)
}

/**
 * Applies an instruction to a state (Dockerfile reference). Pure: the state stays as it is.
 * @throws InvalidArgumentError for values that Docker refuses.
 */
export function applyMetadata(
  state: BuildState,
  instruction: InstructionOf<MetadataKeyword>,
  context: { readonly scope: Scope; readonly args: ArgValues },
): Change {
  const { config } = state
  const { scope } = context
  switch (instruction.kind) {
    case 'arg':
      return applyArg(state, instruction, context)
    case 'env': {
      const pairs = instruction.pairs.map((pair) => [scope.word(pair.name), scope.word(pair.value)] as const)
      return change(
        { ...config, Env: withEnv(config.Env ?? [], pairs) },
        `ENV ${pairs.map(([n, v]) => `${n}=${v}`).join(' ')}`,
      )
    }
    case 'label': {
      const pairs = instruction.pairs.map((pair) => [scope.word(pair.name), scope.word(pair.value)] as const)
      const Labels = { ...config.Labels, ...Object.fromEntries(pairs) }
      return change({ ...config, Labels }, `LABEL ${pairs.map(([n, v]) => `${n}=${v}`).join(' ')}`)
    }
    case 'maintainer':
      return { state: { author: instruction.value }, createdBy: `MAINTAINER ${instruction.value}` }
    case 'user': {
      const User = scope.word(instruction.value)
      return change({ ...config, User }, `USER ${User}`)
    }
    case 'stopsignal': {
      const StopSignal = scope.word(instruction.value)
      if (!/^(SIG)?[A-Z]+[A-Z0-9+-]*$|^\d+$/i.test(StopSignal))
        throw new InvalidArgumentError(`Invalid signal: ${StopSignal}`)
      return change({ ...config, StopSignal }, `STOPSIGNAL ${StopSignal}`)
    }
    case 'expose': {
      const ports = instruction.values.flatMap((value) => scope.words(value)).flatMap(expandPorts)
      const ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) }
      return change({ ...config, ExposedPorts }, `EXPOSE ${JSON.stringify(ports)}`)
    }
    case 'volume': {
      const paths = instruction.values.map((value) => scope.word(value).trim())
      if (paths.includes('')) throw new InvalidArgumentError('VOLUME specified can not be an empty string')
      const Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) }
      return change({ ...config, Volumes }, `VOLUME ${goList(paths)}`)
    }
    case 'cmd': {
      const Cmd = commandOf(instruction.command, config)
      return { state: { config: { ...config, Cmd }, commandSet: true }, createdBy: `CMD ${goList(Cmd)}` }
    }
    case 'entrypoint': {
      const argv = commandOf(instruction.command, config)
      // `ENTRYPOINT []` takes away what the base has.
      const Entrypoint = argv.length === 0 ? null : argv
      const next: ImageConfig = { ...config, Entrypoint, Cmd: state.commandSet ? (config.Cmd ?? null) : null }
      return change(next, `ENTRYPOINT ${goList(argv)}`)
    }
    case 'shell':
      return change({ ...config, Shell: instruction.argv }, `SHELL ${goList(instruction.argv)}`)
    case 'onbuild':
      return change(
        { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.trigger] },
        `ONBUILD ${instruction.trigger}`,
      )
    case 'healthcheck': {
      const Healthcheck = healthOf(instruction)
      return change({ ...config, Healthcheck }, `HEALTHCHECK ${JSON.stringify(Healthcheck)}`)
    }
  }
}

function change(config: ImageConfig, createdBy: string): Change {
  return { state: { config }, createdBy }
}

function applyArg(
  state: BuildState,
  instruction: InstructionOf<'arg'>,
  context: { readonly scope: Scope; readonly args: ArgValues },
): Change {
  const args = new Map(state.args)
  const shown: string[] = []
  for (const arg of instruction.args) {
    const name = context.scope.word(arg.name)
    const fallback = arg.value === null ? context.args.global.get(name) : context.scope.word(arg.value)
    const value = context.args.given[name] ?? fallback
    if (value !== undefined) args.set(name, value)
    shown.push(value === undefined ? name : `${name}=${value}`)
  }
  return { state: { args }, createdBy: `ARG ${shown.join(' ')}` }
}

/** The argv of a command: shell form goes through the image's SHELL. */
export function commandOf(command: CommandLine, config: ImageConfig): readonly string[] {
  return command.form === 'exec' ? command.argv : [...shellOf(config), command.text]
}

/** The shell that shell form uses: SHELL, or `/bin/sh -c`. */
export function shellOf(config: ImageConfig): readonly string[] {
  return config.Shell != null && config.Shell.length > 0 ? config.Shell : ['/bin/sh', '-c']
}

/** The working directory after `WORKDIR`: relative paths start at the one before. */
export function nextWorkdir(config: ImageConfig, path: string): string {
  return posix.resolve('/', config.WorkingDir ?? '', path)
}

function withEnv(
  before: readonly string[],
  pairs: readonly (readonly [string, string])[],
): readonly string[] {
  const env = [...before]
  for (const [name, value] of pairs) {
    const at = env.findIndex((entry) => entry.split('=', 1)[0] === name)
    if (at < 0) env.push(`${name}=${value}`)
    else env[at] = `${name}=${value}`
  }
  return env
}

function expandPorts(text: string): string[] {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || first > 65535 || last > 65535 || last < first)
    throw new InvalidArgumentError(`invalid containerPort: ${text}`)
  const protocol = (match[3] ?? 'tcp').toLowerCase()
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`)
}

function healthOf(instruction: InstructionOf<'healthcheck'>): HealthConfig {
  const { test, flags } = instruction
  if (test === null) return { Test: ['NONE'] }
  const durations = (
    [
      ['Interval', 'interval'],
      ['Timeout', 'timeout'],
      ['StartPeriod', 'start-period'],
      ['StartInterval', 'start-interval'],
    ] as const
  ).flatMap(([field, flag]) => {
    const text = flagValue(flags, flag)
    if (text === null) return []
    const ns = parseDurationNs(text)
    if (ns !== 0 && ns < 1e6)
      throw new InvalidArgumentError(`Interval ${JSON.stringify(flag)} cannot be less than 1ms`)
    return [[field, ns] as const]
  })
  const retries = flagValue(flags, 'retries')
  if (retries !== null && !/^\d+$/.test(retries))
    throw new InvalidArgumentError(`--retries must be at least 0 (not ${retries})`)
  // A health check in shell form runs with the image's shell at run time: Docker stores the text only.
  const Test = test.form === 'exec' ? ['CMD', ...test.argv] : ['CMD-SHELL', test.text]
  return { Test, ...Object.fromEntries(durations), ...(retries === null ? {} : { Retries: Number(retries) }) }
}

/** A list as Go prints it with `%q`: `["a" "b"]`. */
function goList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
