import { closeSync, readSync, writeSync } from 'node:fs'
import { spawnProcess, type SpawnedProcess } from '#kernel/processes.ts'
import { watchFd } from '#kernel/readiness.ts'
import { pipe2 } from '#kernel/native/native.ts'
import type { Engine } from './oci-engines.ts'

const O_CLOEXEC = 0o2000000
const SYNC_FD = 3
const START_FD = 4
const ATTACH_FD = 5

/** One conmon (conmon(8)): the parent of a container's or an exec's process, keeping its stdio and exit code. */
export interface MonitorRequest {
  readonly conmon: string
  readonly engine: Engine
  /** The runtime's state directory, `--root`. */
  readonly stateRoot: string
  readonly containerId: string
  readonly bundle: string
  readonly pidFile: string
  readonly temporary: string
  readonly logPath: string | null
  readonly tty: boolean
  readonly stdin: boolean
  /** The end of our connection does not end the process' stdin. */
  readonly keepStdin: boolean
  /** Where the exit code is left, under the container's id; null for an exec, whose exit code comes by the pipe. */
  readonly exitDirectory: string | null
  /** The file with the process of an exec; null makes the container itself. */
  readonly execSpec: string | null
  /** For an exec: the attach socket is there before the process runs, which it does when `release` was called. */
  readonly attach: boolean
  /** For a container: it is restored from this checkpoint, and runs at once. */
  readonly restore?: string | null
  /** For a container: conmon waits for `release` before it runs the OCI runtime. */
  readonly hold: boolean
}

/** What conmon says by its pipe: a pid or an exit code, -1 with the runtime's words when it failed. */
export interface SyncMessage {
  readonly data: number
  readonly message: string
}

export interface Monitor {
  readonly process: SpawnedProcess
  /** conmon's next message; null when it has ended without one. */
  next(): Promise<SyncMessage | null>
  /** For an attached exec: resolves when the attach socket is there. */
  readonly attachable: Promise<void>
  /** Lets a held container be made, an attached exec run. */
  release(): void
  /** Stops listening. The monitor goes on. */
  close(): void
}

/** Starts conmon. It makes the process with the OCI runtime at once, unless it is held or attached. @throws KernelError */
export function startMonitor(request: MonitorRequest): Monitor {
  const sync = new MessagePipe()
  const attach = request.attach ? new MessagePipe() : null
  const start = request.attach || request.hold ? pipe2(O_CLOEXEC) : null
  const fds = new Map([[SYNC_FD, sync.writeFd]])
  const env = [
    `_OCI_SYNCPIPE=${String(SYNC_FD)}`,
    `TMPDIR=${request.temporary}`,
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  ]
  if (start !== null) {
    fds.set(START_FD, start[0])
    env.push(`_OCI_STARTPIPE=${String(START_FD)}`)
  }
  if (attach !== null) {
    fds.set(ATTACH_FD, attach.writeFd)
    env.push(`_OCI_ATTACHPIPE=${String(ATTACH_FD)}`)
  }
  try {
    const process = spawnProcess({
      argv: conmonArguments(request),
      env,
      cwd: request.bundle,
      setsid: true,
      fds,
    })
    // conmon reads once before it begins, and for an attached exec once more before that runs. An end is as good as a
    // byte: so release() only closes the pipe, and a daemon that dies holds nobody up.
    if (start !== null && request.attach) writeSync(start[1], '\0')
    let released = start === null
    const release = (): void => {
      if (released || start === null) return
      released = true
      closeSync(start[1])
    }
    return {
      process,
      next: () => sync.next(),
      attachable: attach === null ? Promise.resolve() : attach.next().then(() => attach.close()),
      release,
      close() {
        release()
        sync.close()
        attach?.close()
      },
    }
  } catch (error) {
    if (start !== null) closeSync(start[1])
    sync.close()
    attach?.close()
    throw error
  } finally {
    sync.childStarted()
    attach?.childStarted()
    if (start !== null) closeSync(start[0])
  }
}

function conmonArguments(request: MonitorRequest): readonly [string, ...string[]] {
  const { engine, containerId } = request
  const runtimeArguments = [...engine.args, `--root=${request.stateRoot}`].flatMap((arg) => [
    `--runtime-arg=${arg}`,
  ])
  return [
    request.conmon,
    '--api-version=1',
    // One fork less: we are the parent, and init becomes it when we end.
    '--sync',
    '--full-attach',
    '--no-sync-log',
    `--cid=${containerId}`,
    `--cuuid=${containerId}`,
    `--bundle=${request.bundle}`,
    `--container-pidfile=${request.pidFile}`,
    `--runtime=${engine.program()}`,
    ...runtimeArguments,
    `--log-path=${request.logPath === null ? 'none' : `k8s-file:${request.logPath}`}`,
    ...(request.tty ? ['--terminal'] : []),
    ...(request.stdin ? ['--stdin'] : []),
    ...(request.keepStdin ? ['--leave-stdin-open'] : []),
    ...(request.exitDirectory === null ? [] : [`--exit-dir=${request.exitDirectory}`]),
    ...(request.execSpec === null ? [] : ['--exec', `--exec-process-spec=${request.execSpec}`]),
    ...(request.attach ? ['--exec-attach'] : []),
    ...(request.restore ? ['--restore', request.restore] : []),
  ]
}

/** A pipe by which conmon sends lines of JSON. */
class MessagePipe {
  readonly writeFd: number
  readonly #readFd: number
  readonly #messages: SyncMessage[] = []
  #rest = ''
  #ended = false
  #waiting: ((message: SyncMessage | null) => void) | null = null
  #watch: { close(): void } | null = null
  #closed = false

  constructor() {
    ;[this.#readFd, this.writeFd] = pipe2(O_CLOEXEC)
  }

  /** The child has its copy of the writing end: ours would keep the end from being seen. */
  childStarted(): void {
    closeSync(this.writeFd)
    if (!this.#closed) this.#watch = watchFd(this.#readFd, () => this.#read())
  }

  next(): Promise<SyncMessage | null> {
    const message = this.#messages.shift()
    if (message !== undefined) return Promise.resolve(message)
    if (this.#ended || this.#closed) return Promise.resolve(null)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watch?.close()
    closeSync(this.#readFd)
    this.#waiting?.(null)
  }

  #read(): void {
    const buffer = Buffer.alloc(16 * 1024)
    const count = readSync(this.#readFd, buffer)
    if (count === 0) {
      this.#watch?.close()
      this.#ended = true
      this.#waiting?.(null)
      return
    }
    const lines = (this.#rest + buffer.toString('utf8', 0, count)).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#deliver(parseMessage(line))
  }

  #deliver(message: SyncMessage): void {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting === null) this.#messages.push(message)
    else waiting(message)
  }
}

function parseMessage(line: string): SyncMessage {
  try {
    const { data, message } = JSON.parse(line) as Partial<SyncMessage>
    return { data: data ?? -1, message: message ?? '' }
  } catch {
    // conmon does not escape every byte: what a runtime printed is still worth telling.
    return { data: -1, message: line }
  }
}
