import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** How a program ended, and what it wrote. */
export interface ProgramOutput {
  /** Null when a signal ended it. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end with a text as its input. Its environment is what is given and nothing else.
 * @throws an error with ENOENT, EACCES … when it cannot be run; one that takes longer than `timeoutMs` is killed
 */
export async function runProgram(
  [file, ...args]: readonly [string, ...string[]],
  options: {
    readonly env: Readonly<Record<string, string>>
    readonly input: string
    readonly timeoutMs: number
  },
): Promise<ProgramOutput> {
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...options.env },
    timeout: options.timeoutMs,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  // It may end before it has read everything; what it says then is what counts.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const [exitCode, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { exitCode, stdout, stderr }
}
