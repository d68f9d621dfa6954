import { spawnSync } from 'node:child_process'
import type { Hijacked } from '#client/streams.ts'
import { parseDetachKeys, EscapeWatcher } from './escape-keys.ts'
import type { Context } from './context.ts'
import { isTerminal } from './output.ts'

/** How the user's terminal is joined with a process. */
export interface SessionOptions {
  readonly isTty: boolean
  readonly stdin: boolean
  /** '' for Docker's own, ctrl-p ctrl-q. */
  readonly detachKeys: string
}

const DEFAULT_KEYS = 'ctrl-p,ctrl-q'

/** The keys in force: the flag, config.json, Docker's own. */
export const detachKeysOf = (context: Context, flag: string): string =>
  flag || (context.config.file.detachKeys ?? '')

/**
 * Joins stdin, stdout and stderr with a process until its output ends or the user detaches. The terminal is raw
 * meanwhile and is put back in every case.
 */
export async function runSession(
  context: Context,
  stream: Hijacked,
  options: SessionOptions,
): Promise<'ended' | 'detached'> {
  const raw = options.isTty && options.stdin && isTerminal(0)
  if (raw) enterRawMode()
  const { promise: detached, resolve: detach } = Promise.withResolvers<'detached'>()
  const stopInput = options.stdin
    ? pumpInput(stream, { ...options, detach: () => detach('detached') })
    : () => undefined
  try {
    const output = async (): Promise<'ended'> => {
      for await (const { stream: name, bytes } of stream.output)
        (name === 'stderr' ? context.err : context.out).write(bytes)
      return 'ended'
    }
    return await Promise.race([output(), detached])
  } finally {
    stopInput()
    if (raw) process.stdin.setRawMode(false)
  }
}

/**
 * Node's raw mode leaves the translation of line feeds on, which spoils what full-screen programs draw: it is turned
 * off by stty(1). Leaving raw mode puts everything back as it was.
 */
function enterRawMode(): void {
  process.stdin.setRawMode(true)
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] })
}

function pumpInput(
  stream: Hijacked,
  { isTty, detachKeys, detach }: SessionOptions & { detach: () => void },
): () => void {
  const watcher = isTty ? new EscapeWatcher(parseDetachKeys(detachKeys || DEFAULT_KEYS)) : null
  const { stdin } = process
  const onData = (chunk: Buffer) => {
    const { send, detached } = watcher?.push(chunk) ?? { send: chunk, detached: false }
    stdin.pause()
    void stream.write(send).then(() => {
      if (detached) detach()
      else stdin.resume()
    })
  }
  const onEnd = () => stream.endInput()
  stdin.on('data', onData).once('end', onEnd).once('error', onEnd)
  return () => {
    stdin.off('data', onData).off('end', onEnd)
    stdin.pause()
  }
}

/** The size of the terminal; null when there is none. */
export function terminalSize(): { rows: number; columns: number } | null {
  if (!isTerminal(1) && !isTerminal(0)) return null
  const { columns, rows } = process.stdout.isTTY ? process.stdout : process.stderr
  return columns > 0 && rows > 0 ? { rows, columns } : null
}

/** Keeps the size of a process's terminal that of the user's. @returns what ends it. */
export function followSize(resize: (size: { rows: number; columns: number }) => Promise<void>): () => void {
  const apply = () => {
    const size = terminalSize()
    // The process may be gone already, which is no news here.
    if (size !== null) resize(size).catch(() => undefined)
  }
  apply()
  process.on('SIGWINCH', apply)
  return () => void process.off('SIGWINCH', apply)
}

const forwarded = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPWR',
] as const

/** Sends the signals that this program gets on to the process. @returns what ends it. */
export function forwardSignals(kill: (signal: string) => Promise<void>): () => void {
  const handler = (signal: NodeJS.Signals) => void kill(signal.replace(/^SIG/, '')).catch(() => undefined)
  for (const signal of forwarded) process.on(signal, handler)
  return () => {
    for (const signal of forwarded) process.off(signal, handler)
  }
}
