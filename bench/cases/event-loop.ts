import { existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { busyboxArchive } from '../../tests/support/busybox-image.ts'
import type { Engine } from '../../tests/support/engine.ts'
import { scratchRoot } from '../../tests/support/scratch.ts'
import { Wharfd } from '../../tests/support/wharfd.ts'
import type { Subject } from '../measure.ts'
import { bundledProgram } from '../support/bundle.ts'
import { runMany, removeMany } from '../support/many.ts'
import { serveImages } from './images.ts'

const big = '127.0.0.1:5000/big:1'
const traceFile = `${scratchRoot}/event-loop.trace`
const archive = `${scratchRoot}/event-loop.tar`
/** A daemon of its own, which traces: looking at the event loop wakes it five hundred times a second. */
let traced: Wharfd | null = null

/** The longest that the event loop was blocked while the work was done; only our daemon tells. */
function blocked(name: string, work: (engine: Engine) => Promise<unknown>): Subject {
  return {
    name: `event loop blocked, ${name}`,
    unit: 'ms',
    rounds: 1,
    once: async ({ name: engine }) => {
      if (engine !== 'wharfd') return Number.NaN
      traced ??= await start()
      const from = existsSync(traceFile) ? statSync(traceFile).size : 0
      await work(traced)
      // The last window.
      await new Promise((resolve) => setTimeout(resolve, 200))
      return longest(readFileSync(traceFile, 'utf8').slice(from))
    },
  }
}

async function start(): Promise<Wharfd> {
  const flags = ['--trace', traceFile]
  const daemon = await Wharfd.startWithBusybox({ program: bundledProgram(), flags })
  await serveImages(daemon)
  return daemon
}

/** Ends the daemon that was measured. */
export async function stopTraced(): Promise<void> {
  await traced?.stop()
}

function longest(trace: string): number {
  const late = trace
    .split('\n')
    .filter((line) => line.includes('"event-loop.late"'))
    .map((line) => (JSON.parse(line) as { durationMs: number }).durationMs)
  return Math.max(0, ...late)
}

/** What works with many bytes or many things at once. */
export const eventLoopCases: readonly Subject[] = [
  blocked('pull of 500 MB', (engine) => engine.ok('pull', '--quiet', big)),
  blocked('save', (engine) => engine.ok('save', '-o', archive, big)),
  blocked('commit', async (engine) => {
    await engine.ok('create', '--name', 'changed', '--network', 'none', big)
    await engine.ok('cp', '/usr/share/doc', 'changed:/copied')
    await engine.ok('commit', 'changed', 'committed')
    await engine.ok('rm', 'changed')
  }),
  blocked('rmi', (engine) => engine.ok('rmi', 'committed', big)),
  blocked('load', async (engine) => {
    await engine.ok('load', '-i', archive)
    rmSync(archive)
  }),
  blocked('prune', (engine) => engine.ok('image', 'prune', '-af')),
  blocked('40 × run -d, 8 at a time', async (engine) => {
    await engine.ok('load', '-i', await busyboxArchive())
    await runMany(engine, { total: 40, parallel: 8 })
  }),
  blocked('rm -f of 40', removeMany),
]
