import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cgroup, OomWatch } from '#kernel/cgroups/cgroups.ts'
import { watchProcess, type WatchedProcess } from '#kernel/processes.ts'
import { AttachConnection } from './attach-connection.ts'
import type { Bundle, BundleRecord } from './bundle.ts'
import type { Engine } from './oci-engines.ts'
import type { Attachment, ContainerExit, TerminalSize } from './runtime.ts'

/** A monitor that died takes its container with it; Docker's code for a process ended by SIGKILL. */
const KILLED = 137

/** A container between create and delete, as this daemon knows it. */
export class OciContainer {
  readonly id: string
  readonly bundle: Bundle
  readonly record: BundleRecord
  readonly engine: Engine
  readonly cgroup: Cgroup
  /** Resolves when conmon has left the exit code. */
  readonly exit: Promise<ContainerExit>
  started = false
  paused = false
  ended = false
  pid: number
  readonly #exitFile: string
  readonly #oom: OomWatch | null
  #main: WatchedProcess | null
  #connection: AttachConnection | null = null

  constructor(options: {
    readonly id: string
    readonly bundle: Bundle
    readonly record: BundleRecord
    readonly engine: Engine
    readonly cgroup: Cgroup
    readonly pid: number
    readonly exitsDirectory: string
    /** Resolves when conmon has ended. */
    readonly monitorEnded: Promise<unknown>
  }) {
    this.id = options.id
    this.bundle = options.bundle
    this.record = options.record
    this.engine = options.engine
    this.cgroup = options.cgroup
    this.pid = options.pid
    this.#exitFile = join(options.exitsDirectory, options.id)
    this.#main = options.pid > 0 ? watchProcess(options.pid, { keepAlive: false }) : null
    this.#oom = options.record.systemd ? options.cgroup.watchOomKills() : null
    this.exit = options.monitorEnded.then(() => this.#end())
  }

  /** Sends a signal to the main process; false when it has ended. */
  signal(signal: number): boolean {
    return this.#main?.signal(signal) ?? false
  }

  attach(): Attachment {
    this.#connection ??= new AttachConnection(join(this.bundle.path, 'attach'), {
      stdin: this.record.stdin,
      onClosed: () => {
        this.#connection = null
      },
    })
    return this.#connection.open()
  }

  resize(size: TerminalSize): void {
    resizeTerminal(this.bundle.path, size)
  }

  /** Lets go of everything but the container itself. */
  close(): void {
    this.#oom?.close()
    this.#main?.[Symbol.dispose]()
    this.#main = null
  }

  /** Reads the exit code before the cgroup, with its count of OOM kills, may be removed. */
  async #end(): Promise<ContainerExit> {
    // systemd may have taken the cgroup away already: others looked before; conmon leaves a file.
    const oomKilled =
      this.cgroup.oomKills() > 0 || (this.#oom?.kills ?? 0) > 0 || existsSync(join(this.bundle.path, 'oom'))
    this.#oom?.close()
    let exitCode = KILLED
    let finishedAt = new Date()
    try {
      exitCode = Number(readFileSync(this.#exitFile, 'utf8'))
      // The file's time and not the clock's: a later daemon must name the same end alike, to know it again.
      finishedAt = statSync(this.#exitFile).mtime
    } catch {
      // The monitor was killed: without it nobody reads the container's output or reaps it.
      await this.cgroup.kill()
    }
    this.ended = true
    this.close()
    return { exitCode, finishedAt: finishedAt.toISOString().replace('Z', '000000Z'), oomKilled }
  }

  removeExitFile(): void {
    rmSync(this.#exitFile, { force: true })
  }
}

/** Tells conmon to resize its terminal, by its control FIFO. */
export function resizeTerminal(bundle: string, size: TerminalSize): void {
  const RESIZE = 1
  writeFileSync(join(bundle, 'ctl'), `${String(RESIZE)} ${String(size.rows)} ${String(size.columns)}\n`, {
    flag: 'r+',
  })
}
