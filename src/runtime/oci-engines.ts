import { basename } from 'node:path'
import { InvalidArgumentError, UnavailableError } from '#errors/errors.ts'
import { SealedProgram } from '#kernel/sealed-program.ts'
import { findProgram } from './find-program.ts'

/** A runtime of daemon.json's `runtimes`. */
export interface EngineConfig {
  /** A path, or a name to look for in the usual directories. */
  readonly path: string
  readonly args?: readonly string[]
}

/** An OCI runtime that containers can be run with. */
export interface Engine {
  readonly name: string
  readonly path: string
  readonly args: readonly string[]
  /**
   * How the container waits for `start`. crun's reads from `exec.fifo` in its state, runc's writes to it: both can be let
   * go without running the program again. Others are told by `<runtime> start`.
   */
  readonly waits: 'reads-fifo' | 'writes-fifo' | 'command'
  /** The path to execute in this moment. */
  program(): string
}

/** In the order they are tried when no default is configured: crun starts a container in a third of runc's time. */
const DEFAULTS = ['crun', 'runc']
/** gVisor's, only for who asks for it. */
const BUILT_IN = [...DEFAULTS, 'runsc']

/** The runtimes of this machine by name: crun, runc, runsc and those of the configuration. */
export class Engines {
  readonly #engines = new Map<string, Engine>()
  readonly #default: string

  /** @throws UnavailableError when the default runtime is not installed */
  constructor(configured: Readonly<Record<string, EngineConfig>>, defaultName: string | null) {
    for (const name of BUILT_IN) this.#add(name, { path: name })
    for (const [name, config] of Object.entries(configured)) this.#add(name, config)
    const chosen = defaultName ?? DEFAULTS.find((name) => this.#engines.has(name))
    if (chosen === undefined || !this.#engines.has(chosen)) {
      throw new UnavailableError(
        `no OCI runtime found: install crun or runc (default runtime ${String(chosen ?? 'crun')})`,
      )
    }
    this.#default = chosen
  }

  get defaultName(): string {
    return this.#default
  }

  get all(): readonly Engine[] {
    return [...this.#engines.values()]
  }

  /** The runtime of this name, null for the default. @throws InvalidArgumentError in dockerd's words */
  get(name: string | null): Engine {
    const engine = this.#engines.get(name === null || name === '' ? this.#default : name)
    if (engine === undefined)
      throw new InvalidArgumentError(`unknown or invalid runtime name: ${String(name)}`)
    return engine
  }

  #add(name: string, config: EngineConfig): void {
    const path = findProgram(config.path)
    if (path === null) return
    const program = basename(path)
    const waits = program === 'crun' ? 'reads-fifo' : program === 'runc' ? 'writes-fifo' : 'command'
    const sealed = program === 'crun' ? new SealedProgram(path) : null
    this.#engines.set(name, {
      name,
      path,
      args: config.args ?? [],
      waits,
      program: () => sealed?.path() ?? path,
    })
  }
}

/** The runtime as it must be used for a container: by its commands where these do more than we do ourselves. */
export function engineFor(
  engine: Engine,
  record: { readonly hasLateHooks: boolean; readonly systemd: boolean },
): Engine {
  const args = record.systemd ? withSystemd(engine.args) : engine.args
  return { ...engine, args, ...(record.hasLateHooks ? { waits: 'command' } : {}) }
}

/** crun and runc call it alike. */
export function withSystemd(args: readonly string[]): readonly string[] {
  return args.includes('--systemd-cgroup') ? args : [...args, '--systemd-cgroup']
}
