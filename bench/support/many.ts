import type { Engine } from '../../tests/support/engine.ts'

export const sleeper = ['busybox', 'sleep', '100000']

/** Runs so many idle containers, a few at a time. */
export async function runMany(
  engine: Engine,
  { total, parallel, network }: { total: number; parallel: number; network?: string },
): Promise<void> {
  const flags = network === undefined ? [] : ['--network', network]
  const numbers = Array.from({ length: total }, (_, index) => index)
  const worker = async (): Promise<void> => {
    for (let next = numbers.shift(); next !== undefined; next = numbers.shift()) {
      await engine.ok('run', '-d', '--label', 'bench', ...flags, ...sleeper)
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}

/** Removes what `runMany` has run. */
export async function removeMany(engine: Engine): Promise<void> {
  const ids = (await engine.ok('ps', '-aq', '--filter', 'label=bench')).split('\n').filter((id) => id !== '')
  if (ids.length > 0) await engine.ok('rm', '-f', ...ids)
}
