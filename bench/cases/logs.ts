import { run, type Engine } from '../../tests/support/engine.ts'
import { timed, type Subject } from '../measure.ts'

const lines = 1_000_000
const line = 'a line of forty bytes, as logs have it.'
const megabytes = (lines * (line.length + 1)) / 1e6

/** All that the API gives of a log, by a client that does nothing with it. */
function read(engine: Engine, query: string): Promise<unknown> {
  const url = `http://engine/containers/bench/logs?stdout=1&${query}`
  return run(['curl', '-sf', '--unix-socket', engine.socketPath, '-o', '/dev/null', url])
}

/** A container that writes much, and its log read back. */
export const logCases: readonly Subject[] = [
  {
    name: `${lines} log lines written`,
    unit: 'ms',
    rounds: 1,
    once: (engine) =>
      timed(async () => {
        const script = `yes '${line}' | head -n ${lines}`
        await engine.ok('run', '-d', '--name', 'bench', 'busybox', 'sh', '-c', script)
        await engine.ok('wait', 'bench')
      }),
  },
  {
    name: 'logs of it, by the API',
    unit: 'MB/s',
    rounds: 3,
    once: async (engine) => (megabytes * 1000) / (await timed(() => read(engine, 'tail=all'))),
  },
  { name: 'logs of it', unit: 'ms', rounds: 3, once: (engine) => timed(() => engine.ok('logs', 'bench')) },
  {
    name: 'logs --tail 10 of it',
    unit: 'ms',
    rounds: 5,
    once: (engine) => timed(() => engine.ok('logs', '--tail', '10', 'bench')),
    restore: (engine) => engine.ok('rm', '-f', 'bench').then(() => {}),
  },
]
