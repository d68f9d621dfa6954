import { spawn } from 'node:child_process'

export type CommandResult = {
  readonly ok: boolean
  /** How it ended, for a person: `exit code 1`, `killed by SIGKILL`, `stopped after 330 s`. */
  readonly end: string
  /** Standard output and standard error as they came. */
  readonly output: string
  readonly durationMs: number
}

/**
 * Runs a command in a process group of its own with no standard input, and gathers what it writes. When the time is over, the group
 * is told to end, and 20 s later killed.
 */
export async function runCommand(
  argv: readonly string[],
  options: { readonly limitMs: number; readonly env?: NodeJS.ProcessEnv },
): Promise<CommandResult> {
  const started = Date.now()
  const chunks: Buffer[] = []
  const child = spawn(argv[0]!, argv.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: options.env ?? process.env,
  })
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const closed = new Promise((resolve) => child.once('close', resolve))
  let late = false
  const timers = [
    setTimeout(() => {
      late = true
      signalGroup(child.pid, 'SIGTERM')
    }, options.limitMs),
    setTimeout(() => signalGroup(child.pid, 'SIGKILL'), options.limitMs + 20_000),
  ]
  const end = await new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `killed by ${signal}`),
    )
  })
  // A process left behind may hold the pipes open for ever: what comes within 2 s is what there is.
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 2_000).unref())])
  for (const timer of timers) clearTimeout(timer)
  child.stdout.destroy()
  child.stderr.destroy()
  const durationMs = Date.now() - started
  return {
    ok: end === 'exit code 0' && !late,
    end: late ? `stopped after ${(options.limitMs / 1000).toFixed(0)} s` : end,
    output: Buffer.concat(chunks).toString(),
    durationMs,
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
