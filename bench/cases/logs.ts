import { timed, type Subject } from '../measure.ts'

const lines = 300_000
const writer = `yes 'a line of forty bytes, as logs have it.' | head -n ${lines}`

/** A container that writes much, and its log read back. */
export const logCases: readonly Subject[] = [
  {
    name: `${lines} log lines written`,
    unit: 'ms',
    rounds: 1,
    once: (engine) =>
      timed(async () => {
        await engine.ok('run', '-d', '--name', 'bench', 'busybox', 'sh', '-c', writer)
        await engine.ok('wait', 'bench')
      }),
  },
  {
    name: `${lines} log lines read`,
    unit: 'ms',
    rounds: 1,
    once: (engine) => timed(() => engine.ok('logs', 'bench')),
    restore: (engine) => engine.ok('rm', '-f', 'bench').then(() => {}),
  },
]
