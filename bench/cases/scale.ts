import type { Engine } from '../../tests/support/engine.ts'
import { timed, type Subject } from '../measure.ts'
import { runMany, removeMany } from '../support/many.ts'

const running = 300
const execs = 100
/** The default bridge of the daemon under test has a small subnet. */
const network = 'bench-scale'

function once(name: string, work: (engine: Engine) => Promise<unknown>): Subject {
  return { name, unit: 'ms', rounds: 1, once: (engine) => timed(() => work(engine)) }
}

/** Many containers on one machine: coming, being there, going. */
export const scaleCases: readonly Subject[] = [
  {
    ...once(`${running} × run -d, one at a time`, (engine) =>
      runMany(engine, { total: running, parallel: 1, network }),
    ),
    prepare: (engine) => engine.ok('network', 'create', '--subnet', '10.98.0.0/20', network).then(() => {}),
  },
  once(`rm -f of ${running} running`, removeMany),
  once(`${running} × run -d, 8 at a time`, (engine) =>
    runMany(engine, { total: running, parallel: 8, network }),
  ),
  { ...once(`ps, ${running} running`, (engine) => engine.ok('ps')), rounds: 5 },
  {
    ...once(`stats --no-stream, ${running} running`, (engine) => engine.ok('stats', '--no-stream')),
    rounds: 3,
  },
  {
    ...once(`run, ${running} running`, (engine) => engine.ok('run', '--rm', 'busybox', 'true')),
    rounds: 11,
  },
  {
    ...once(`${execs} × exec at once`, async (engine) => {
      const [id] = (await engine.ok('ps', '-q', '--filter', 'label=bench')).split('\n')
      await Promise.all(Array.from({ length: execs }, () => engine.ok('exec', id!, 'true')))
    }),
    restore: async (engine) => {
      await removeMany(engine)
      await engine.ok('network', 'rm', network)
    },
  },
]
