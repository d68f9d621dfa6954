import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import type { Engine } from '../tests/support/engine.ts'
import type { Result } from './measure.ts'

/** What these numbers were measured on, and what with. */
export async function describeMachine(engines: readonly Engine[]): Promise<string> {
  const load = readFileSync('/proc/loadavg', 'utf8').split(' ')[0]
  const versions = await Promise.all(
    engines.map(async (engine) => `${engine.name} ${(await engine.call('GET', '/version')).Version}`),
  )
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`
  return `${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}, ${memory}, Linux ${release()}, load ${load}; ${versions.join(', ')}`
}

/** One line of a Markdown table: medians, and how many times the peer takes what the first engine takes. */
export function row({ subject, medians }: Result, names: readonly string[]): string {
  const [first, ...others] = names
  const ours = medians.get(first!)
  const digits = subject.unit === 'MB' ? 1 : 0
  const cell = (name: string): string => {
    const value = medians.get(name)
    if (value === undefined || Number.isNaN(value)) return '–'
    const ratio = name === first || ours === undefined ? '' : ` (${(value / ours).toFixed(1)}×)`
    return `${value.toFixed(digits)} ${subject.unit}${ratio}`
  }
  return `| ${subject.name} | ${[first!, ...others].map(cell).join(' | ')} |`
}
