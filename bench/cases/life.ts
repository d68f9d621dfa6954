import type { Engine } from '../../tests/support/engine.ts'
import { timed, type Subject } from '../measure.ts'
import { removeMany, runMany, sleeper } from '../support/many.ts'

function run(name: string, ...flags: readonly string[]): Subject {
  return {
    name,
    unit: 'ms',
    rounds: 15,
    once: (engine) => timed(() => engine.ok('run', '--rm', ...flags, 'busybox', 'true')),
  }
}

/** `run --rm busybox true` on each kind of network. */
export const runCases: readonly Subject[] = [
  run('run, default bridge'),
  {
    ...run('run, user-defined network', '--network', 'bench'),
    prepare: (engine) => engine.ok('network', 'create', 'bench').then(() => {}),
    restore: (engine) => engine.ok('network', 'rm', 'bench').then(() => {}),
  },
  run('run -p', '-p', '18080:80'),
  run('run --network none', '--network', 'none'),
  run('run --network host', '--network', 'host'),
]

/** Commands on a container that runs. */
export const execCases: readonly Subject[] = [
  withSleeper('exec true', (engine) => engine.ok('exec', 'bench', 'true')),
  withSleeper('ps', (engine) => engine.ok('ps')),
  withSleeper('logs', (engine) => engine.ok('logs', 'bench')),
]

function withSleeper(name: string, work: (engine: Engine) => Promise<unknown>): Subject {
  return {
    name,
    unit: 'ms',
    rounds: 21,
    prepare: (engine) => engine.ok('run', '-d', '--name', 'bench', ...sleeper).then(() => {}),
    once: (engine) => timed(() => work(engine)),
    restore: (engine) => engine.ok('rm', '-f', 'bench').then(() => {}),
  }
}

/** Four calls of the CLI. */
export const lifeCases: readonly Subject[] = [
  {
    name: 'create + start + kill + rm',
    unit: 'ms',
    rounds: 11,
    once: (engine) =>
      timed(async () => {
        await engine.ok('create', '--name', 'bench', ...sleeper)
        await engine.ok('start', 'bench')
        await engine.ok('kill', 'bench')
        await engine.ok('rm', '-f', 'bench')
      }),
  },
]

/** Many at once, and what is left to do with many running. */
export const manyCases: readonly Subject[] = [
  ...[1, 8].map((parallel): Subject => ({
    name: `40 × run -d, ${parallel} at a time`,
    unit: 'ms',
    rounds: 1,
    once: (engine) => timed(() => runMany(engine, { total: 40, parallel })),
    restore: removeMany,
  })),
  {
    name: 'rm -f of 40 running',
    unit: 'ms',
    rounds: 1,
    prepare: (engine) => runMany(engine, { total: 40, parallel: 4 }),
    once: (engine) => timed(() => removeMany(engine)),
  },
]

/** The same with many containers running: it should cost what it costs with none. */
export function growthCases(running: number): readonly Subject[] {
  const crowd = {
    prepare: (engine: Engine) => runMany(engine, { total: running, parallel: 4 }),
    restore: removeMany,
  }
  const cases: readonly Subject[] = [
    run('run, default bridge'),
    run('run -p', '-p', '18080:80'),
    { name: 'ps', unit: 'ms', rounds: 11, once: (engine) => timed(() => engine.ok('ps', '-n', '1')) },
  ]
  return [
    ...cases.map((subject) => ({ ...subject, name: `${subject.name}, 0 running` })),
    // One crowd serves all: the first makes it, the last removes it.
    ...cases.map((subject, index) => ({
      ...subject,
      name: `${subject.name}, ${running} running`,
      ...(index === 0 ? { prepare: crowd.prepare } : {}),
      ...(index === cases.length - 1 ? { restore: crowd.restore } : {}),
    })),
  ]
}
