import { constants, openSync, closeSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { dupFd } from './native/files.ts'
import { kill, pidfdOpen, pidfdSendSignal, posixSpawn, waitPidfd } from './native/native.ts'
import { watchFd } from './readiness.ts'

/** How a process ended (waitid(2)). */
export interface ProcessExit {
  /** The exit code; null when a signal ended it. */
  readonly exitCode: number | null
  /** The number of the signal that ended it; null when it exited. */
  readonly signal: number | null
}

export interface SpawnRequest {
  /** `argv[0]` is the absolute path of the program: nothing is searched for. */
  readonly argv: readonly [string, ...string[]]
  /** The whole environment of the child, `NAME=value`. */
  readonly env: readonly string[]
  readonly cwd?: string
  /** Starts a session of its own: no signal of our terminal reaches the child. */
  readonly setsid?: boolean
  /** The child's fd → ours. 0, 1 and 2 are /dev/null where absent; nothing else is inherited. */
  readonly fds?: ReadonlyMap<number, number>
}

/** A child of ours. It is reaped when it ends, whether or not anybody waits for `exited`. */
export interface SpawnedProcess {
  readonly pid: number
  readonly exited: Promise<ProcessExit>
  /** Sends a signal; false when the process has ended. Never hits a process that reuses the pid. */
  signal(signal: number): boolean
}

/** A process that is not a child of ours, held by a pidfd so that a reused pid cannot be mistaken for it. */
export interface WatchedProcess extends Disposable {
  readonly pid: number
  /** Resolves when the process has ended; its status is its parent's to know. Never, once disposed of. */
  readonly exited: Promise<void>
  signal(signal: number): boolean
}

const CLD_EXITED = 1
/** Copies of fds go above every number that a child is given. */
const FIRST_COPY = 64

let devNull = -1

/**
 * Starts a program with posix_spawn(3): no fork of this large process. The exit is learnt from a pidfd, without a
 * thread.
 * @throws KernelError ENOENT, EACCES … when the program cannot be executed
 */
export function spawnProcess(request: SpawnRequest): SpawnedProcess {
  if (devNull < 0) devNull = dupHigh(openSync('/dev/null', constants.O_RDWR))
  const wanted = new Map([[0, devNull], [1, devNull], [2, devNull], ...(request.fds ?? [])])
  const copies: number[] = []
  const fds: [number, number][] = []
  try {
    for (const [child, ours] of wanted) {
      // dup2 runs in order in the child: a source that is also a target would be overwritten before it is used.
      let from = ours
      if (wanted.has(ours)) {
        from = dupFd(ours, FIRST_COPY)
        copies.push(from)
      }
      fds.push([from, child])
    }
    const pid = posixSpawn({
      file: request.argv[0],
      argv: request.argv,
      env: request.env,
      cwd: request.cwd ?? null,
      setsid: request.setsid ?? false,
      fds,
    })
    return watchChild(pid)
  } finally {
    for (const fd of copies) closeSync(fd)
  }
}

function dupHigh(fd: number): number {
  const copy = dupFd(fd, FIRST_COPY)
  closeSync(fd)
  return copy
}

function watchChild(pid: number): SpawnedProcess {
  const pidfd = pidfdOpen(pid)
  const { promise, resolve } = Promise.withResolvers<ProcessExit>()
  let open = true
  const watch = watchFd(pidfd, () => {
    const end = waitPidfd(pidfd)
    if (end === null) return
    watch.close()
    open = false
    closeSync(pidfd)
    resolve(
      end.code === CLD_EXITED
        ? { exitCode: end.status, signal: null }
        : { exitCode: null, signal: end.status },
    )
  })
  return { pid, exited: promise, signal: (signal) => open && sendSignal(pidfd, signal) }
}

/**
 * Holds a process by its pid.
 * @returns null when there is no such process (any more)
 */
export function watchProcess(
  pid: number,
  options: { readonly keepAlive?: boolean } = {},
): WatchedProcess | null {
  const pidfd = openPidfd(pid)
  if (pidfd === null) return null
  const { promise, resolve } = Promise.withResolvers<void>()
  let open = true
  const close = (): void => {
    if (!open) return
    open = false
    watch.close()
    closeSync(pidfd)
  }
  const watch = watchFd(
    pidfd,
    () => {
      close()
      resolve()
    },
    options,
  )
  return {
    pid,
    exited: promise,
    signal: (signal) => open && sendSignal(pidfd, signal),
    [Symbol.dispose]: close,
  }
}

/** Sends a signal by number to a process; false when there is none. Prefer a held process: a pid can be reused. */
export function signalPid(pid: number, signal: number): boolean {
  return unlessGone(() => kill(pid, signal))
}

function openPidfd(pid: number): number | null {
  try {
    return pidfdOpen(pid)
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return null
    throw error
  }
}

function sendSignal(pidfd: number, signal: number): boolean {
  return unlessGone(() => pidfdSendSignal(pidfd, signal))
}

function unlessGone(act: () => void): boolean {
  try {
    act()
    return true
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false
    throw error
  }
}
