import { InvalidArgumentError } from '#errors/errors.ts'
import { captureOutput } from '#kernel/capture.ts'
import { findProgram } from './find-program.ts'
import type { ProcessList } from './runtime.ts'

/**
 * What the host's ps(1) says of these processes. As in Docker, the arguments must leave a PID column.
 * @throws InvalidArgumentError when ps is missing or refuses the arguments
 */
export async function listProcesses(pids: readonly number[], psArguments: string): Promise<ProcessList> {
  const ps = findProgram('ps')
  if (ps === null) throw new InvalidArgumentError('ps: not installed on the host')
  const args = psArguments.trim() === '' ? ['-ef'] : psArguments.trim().split(/\s+/)
  const { exit, output } = await captureOutput({
    argv: [ps, ...args],
    env: ['LC_ALL=C', 'PATH=/usr/bin:/bin'],
  })
  if (exit.exitCode !== 0) throw new InvalidArgumentError(`ps: ${output.trim().split('\n')[0]}`)
  return selectProcesses(output, new Set(pids))
}

/** Keeps the lines of the given processes; the last column takes the rest of its line. */
export function selectProcesses(output: string, pids: ReadonlySet<number>): ProcessList {
  const [header = '', ...lines] = output.split('\n')
  const titles = header.trim().split(/\s+/)
  const pidColumn = titles.indexOf('PID')
  if (pidColumn < 0) throw new InvalidArgumentError("Couldn't find PID field in ps output")
  const rows: (readonly string[])[] = []
  for (const line of lines) {
    const words = line.trim().split(/\s+/)
    if (!pids.has(Number(words[pidColumn]))) continue
    rows.push([...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(' ')])
  }
  return { titles, rows }
}
