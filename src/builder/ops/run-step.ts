import { posix } from 'node:path'
import type { Digest } from '#base/digest.ts'
import { InvalidArgumentError, NotImplementedError } from '#errors/errors.ts'
import type { HostConfig, Mount } from '#spec/docker/host-config.ts'
import { flagValue } from '../dockerfile/instruction-flags.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import { BuildStepError } from '../build-step-error.ts'
import type { StepListener } from '../needs.ts'
import type { BuildPlatform, BuildState } from '../state.ts'
import { PREDEFINED, Scope } from '../variables.ts'
import type { Step, StepContext } from './context.ts'
import { BEFORE } from './key-parts.ts'
import { heldLayer, layerStep } from './layer-step.ts'
import { shellOf } from './metadata.ts'
import { requireRunnable } from './runnable.ts'
import { parseRunMount, type RunMount } from './run-mounts.ts'

/** Makes the mounts of a command real; disposing gives them back. */
export interface MountMaker {
  make(
    mounts: readonly RunMount[],
    inputs: ReadonlyMap<string, BuildState>,
    signal: AbortSignal,
  ): Promise<MadeMounts & AsyncDisposable>
}

/** Mounts as containers have them, and what comes with them. */
export interface MadeMounts {
  readonly mounts: readonly Mount[]
  readonly tmpfs: Readonly<Record<string, string>>
  /** Variables that tell the command where something is. */
  readonly env: readonly string[]
  /** A file in the container that sets secret variables; null for none. */
  readonly environmentFile: string | null
}

/** What RUN needs beside the context of all steps. */
export interface RunContext extends StepContext {
  readonly mountMaker: MountMaker
  /** `--rm=false`: containers of commands that succeeded stay. */
  readonly keepContainers: boolean
  readonly hostPlatform: BuildPlatform
  /** `--network`, limits and extra hosts of the whole build. */
  readonly hostConfig: HostConfig
  /** Stores the image in the making that a command runs on, and gives it up. */
  readonly stateImage: (state: BuildState) => Promise<{ readonly id: Digest } & AsyncDisposable>
  /** Who listens to the command of a step. */
  readonly listener: (step: Step) => StepListener
}

/** RUN: runs a command in a container on the state, and keeps what it changed as a layer. */
export function runStep(
  instruction: InstructionOf<'run'>,
  at: {
    readonly stage: number
    readonly input: Step
    /** The stages and images that its mounts take from, by the name in `from=`. */
    readonly from: ReadonlyMap<string, Step>
    readonly context: RunContext
  },
): Step {
  const { context } = at
  const names = [...at.from.keys()]
  requireAllowed(instruction)
  const step: Step = layerStep({
    stage: at.stage,
    text: instruction.text,
    inputs: [at.input, ...at.from.values()],
    context,
    type: 'regular',
    key(inputs) {
      const state = inputs[0] as BuildState
      const { argv, env, mounts } = commandOf(instruction, state, context)
      const { User, WorkingDir } = state.config
      const taken = inputs.slice(1).map((input, index) => [`files of ${names[index]}`, input.layers.join()])
      const network = flagValue(instruction.flags, 'network') ?? context.hostConfig.NetworkMode ?? ''
      return Promise.resolve({
        parts: {
          step: 'run',
          [BEFORE]: state.layers.join(),
          command: JSON.stringify(argv),
          ...Object.fromEntries(env.map(variablePart)),
          user: User ?? '',
          'working directory': WorkingDir ?? '',
          mounts: JSON.stringify(mounts),
          ...Object.fromEntries(taken),
          network,
        },
      })
    },
    createdBy(state) {
      const { argv, args } = commandOf(instruction, state, context)
      const given = args.length === 0 ? '' : `|${args.length} ${args.join(' ')} `
      return `RUN ${given}${argv.join(' ')} # buildkit`
    },
    // What its mounts showed the command is not in a history.
    resembles: (_layer, [state]) =>
      Promise.resolve(
        commandOf(instruction, state as BuildState, context).mounts.every(({ type }) => type !== 'bind'),
      ),
    async make(inputs, signal) {
      const state = inputs[0] as BuildState
      const { argv, env, mounts } = commandOf(instruction, state, context)
      await requireRunnable(state.platform, context.hostPlatform)
      await using image = await context.stateImage(state)
      const states = new Map(inputs.slice(1).map((input, index) => [names[index] as string, input]))
      await using made = await context.mountMaker.make(mounts, states, signal)
      const command = {
        image: image.id,
        argv: withEnvironmentFile(argv, { file: made.environmentFile, instruction }),
        env: [...env, ...made.env],
        user: state.config.User ?? '',
        workdir: state.config.WorkingDir ?? '',
        hostConfig: hostConfigOf(instruction, made, context.hostConfig),
        labels: {},
        keep: context.keepContainers,
      }
      const listener = context.listener(step)
      await using outcome = await context.containers.run(command, listener, signal)
      if (outcome.exitCode !== 0) throw new BuildStepError(argv.join(' '), outcome.exitCode)
      const latestSeconds = context.clampMs === null ? null : context.clampMs / 1000
      const layer = await heldLayer(context, outcome.commit({ signal, latestSeconds }))
      if (!command.keep) listener.removed(outcome.containerId)
      return layer
    },
  })
  return step
}

/** An entry of an environment as a part of a key. */
function variablePart(entry: string): readonly [string, string] {
  return [`variable ${entry.split('=', 1)[0] as string}`, entry]
}

function commandOf(instruction: InstructionOf<'run'>, state: BuildState, context: StepContext) {
  const scope = Scope.of(state, context.escape)
  const { command, heredocs, flags } = instruction
  // Arguments of the build are in the environment of the command, but not in that of the image.
  const given = Object.entries(context.args.given).filter(
    ([name, value]) => PREDEFINED.has(name) && value !== null,
  )
  const declared = new Map([...(given as [string, string][]), ...state.args])
  const set = new Set((state.config.Env ?? []).map((entry) => entry.split('=', 1)[0]))
  const args = [...declared].filter(([name]) => !set.has(name)).map(([name, value]) => `${name}=${value}`)
  const mounts = (flags.get('mount') ?? []).map((text) =>
    parseRunMount(text, { scope, workdir: state.config.WorkingDir ?? '/' }),
  )
  let argv: readonly string[]
  if (command.form === 'exec') argv = command.argv
  else if (heredocs.length === 1 && /^<<-?(["']?)[\w.-]+\1$/.test(command.text)) {
    const script = (heredocs[0] as (typeof heredocs)[0]).content
    argv = [...shellOf(state.config), script.startsWith('#!') ? scriptWithInterpreter(script) : script]
  } else {
    const bodies = heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join('')
    argv = [...shellOf(state.config), command.text + bodies]
  }
  return {
    argv,
    env: [...(state.config.Env ?? []), ...args],
    args: args.filter((arg) => !PREDEFINED.has(arg.split('=', 1)[0] as string)),
    mounts,
  }
}

/** A here-document that names its interpreter is written to a file and run from there. */
function scriptWithInterpreter(script: string): string {
  const end = `WHARF_${script.length}_END`
  return `f=$(mktemp) && cat > "$f" <<'${end}'\n${script}${end}\nchmod +x "$f" && "$f"; r=$?; rm -f "$f"; exit $r`
}

const POSIX_SHELLS: ReadonlySet<string> = new Set(['sh', 'ash', 'bash', 'dash', 'ksh', 'zsh'])

/**
 * Lets the command's shell read its secret variables. They stand in no container's configuration, which is kept on
 * disk; so a command that no shell runs cannot have any.
 */
function withEnvironmentFile(
  argv: readonly string[],
  at: { readonly file: string | null; readonly instruction: InstructionOf<'run'> },
): readonly string[] {
  if (at.file === null) return argv
  const shell = argv[0] ?? ''
  if (at.instruction.command.form !== 'shell' || !POSIX_SHELLS.has(posix.basename(shell))) {
    throw new InvalidArgumentError(
      'RUN --mount=type=secret,env=… needs the shell form and a POSIX shell: mount the secret as a file, or use the shell form',
    )
  }
  return [...argv.slice(0, -1), `. ${at.file}\n${argv.at(-1) as string}`]
}

function hostConfigOf(
  instruction: InstructionOf<'run'>,
  made: Pick<MadeMounts, 'mounts' | 'tmpfs'>,
  build: HostConfig,
): HostConfig {
  const network = flagValue(instruction.flags, 'network')
  return {
    ...build,
    ...(network === null || network === 'default' ? {} : { NetworkMode: network }),
    Mounts: made.mounts,
    Tmpfs: made.tmpfs,
  }
}

/** @throws InvalidArgumentError, NotImplementedError for flags that cannot be followed */
function requireAllowed(instruction: InstructionOf<'run'>): void {
  const network = flagValue(instruction.flags, 'network')
  if (network !== null && !['default', 'none', 'host'].includes(network)) {
    throw new InvalidArgumentError(`invalid network mode: ${JSON.stringify(network)}`)
  }
  const security = flagValue(instruction.flags, 'security')
  if (security === 'insecure')
    throw new NotImplementedError('RUN --security=insecure is not allowed by this daemon')
  if (security !== null && security !== 'sandbox')
    throw new InvalidArgumentError(`security ${security} is not valid`)
  if (instruction.flags.has('device'))
    throw new NotImplementedError('RUN --device is not supported: no CDI devices for builds')
}
