import { rmSync } from 'node:fs'
import type { Engine } from '../../tests/support/engine.ts'
import { scratchRoot } from '../../tests/support/scratch.ts'
import { timed, type Subject } from '../measure.ts'
import { SMALL_IMAGES, debianImages } from '../support/debian-image.ts'
import { LocalRegistry } from '../support/local-registry.ts'
import { peakMemory, resetPeak, type Measured } from '../support/process-memory.ts'

const archive = `${scratchRoot}/saved.tar`
let registries: { readonly full: LocalRegistry; readonly empty: LocalRegistry } | null = null
const big = '127.0.0.1:5000/big:1'
const small = Array.from({ length: SMALL_IMAGES }, (_, index) => `127.0.0.1:5000/small${String(index)}:1`)

/** Serves the engine; the first call fills a registry, another stays empty. */
export async function serveImages(engine: Engine): Promise<void> {
  if (registries === null) {
    const layout = await debianImages()
    if (layout === null) throw new Error('there are no Debian packages to make an image of')
    registries = { full: new LocalRegistry(5000), empty: new LocalRegistry(5001) }
    await registries.full.serve(engine)
    for (const name of ['big', ...small.map((_, index) => `small${String(index)}`)])
      await registries.full.put(layout, name)
  }
  await registries.full.serve(engine)
  await registries.empty.serve(engine)
}

/** Ends the registries, if there are any. */
export function stopRegistries(): void {
  registries?.full.stop()
  registries?.empty.stop()
}

/** What a piece of work takes of memory beside its time, told by a subject of its own. */
const peaks = new Map<string, number>()

async function peaked(engine: Engine, what: string, work: () => Promise<unknown>): Promise<number> {
  resetPeak(engine as Measured)
  const took = await timed(work)
  peaks.set(`${engine.name} ${what}`, peakMemory(engine as Measured))
  return took
}

function peak(what: string): Subject {
  return {
    name: `peak memory, ${what}`,
    unit: 'MB',
    rounds: 1,
    once: (engine) => Promise.resolve(peaks.get(`${engine.name} ${what}`) ?? Number.NaN),
  }
}

function once(name: string, work: (engine: Engine) => Promise<unknown>): Subject {
  return { name, unit: 'ms', rounds: 1, once: (engine) => peaked(engine, name, () => work(engine)) }
}

/** An image of 500 MB, 20 layers and 30,000 files: from a registry, out, in and away; then ten images at once. */
export const imageCases: readonly Subject[] = [
  { ...once('pull', (engine) => engine.ok('pull', '--quiet', big)), prepare: serveImages },
  peak('pull'),
  once('first run of it', (engine) => engine.ok('run', '--rm', '--network', 'none', big)),
  once('save', (engine) => engine.ok('save', '-o', `${archive}.${engine.name}`, big)),
  peak('save'),
  once('push', async (engine) => {
    const name = `127.0.0.1:5001/pushed-by-${engine.name}:1`
    await engine.ok('tag', big, name)
    await engine.ok('push', '--quiet', name)
    await engine.ok('rmi', name)
  }),
  peak('push'),
  once('rmi', (engine) => engine.ok('rmi', big)),
  {
    ...once('load', (engine) => engine.ok('load', '-i', `${archive}.${engine.name}`)),
    restore: async (engine) => {
      rmSync(`${archive}.${engine.name}`)
      await engine.ok('rmi', big)
    },
  },
  peak('load'),
  {
    ...once('pull + first run', (engine) => engine.ok('run', '--rm', '--network', 'none', big)),
    restore: (engine) => engine.ok('rmi', big).then(() => {}),
  },
  {
    ...once(`${SMALL_IMAGES} pulls at once`, (engine) =>
      Promise.all(small.map((name) => engine.ok('pull', '--quiet', name))),
    ),
    restore: (engine) => engine.ok('rmi', ...small).then(() => {}),
  },
  peak(`${SMALL_IMAGES} pulls at once`),
]
