/**
 * Compares wharfd, bundled as users run it, with dockerd and podman by the same stock docker CLI, each in a network namespace of its own,
 * in turn, and prints medians and ratios. Cases: memory, run, exec, life, many, images, builds, event-loop, logs, network, and, when named, growth, scale, soak,
 * crowd, small-crowd.
 * `--only wharfd,dockerd` chooses engines; `sources` is wharfd from its sources.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import type { Engine } from '../tests/support/engine.ts'
import { ReferenceDockerd } from '../tests/support/reference.ts'
import { Wharfd } from '../tests/support/wharfd.ts'
import { buildCases } from './cases/builds.ts'
import { eventLoopCases, stopTraced } from './cases/event-loop.ts'
import { imageCases, stopRegistries } from './cases/images.ts'
import { execCases, growthCases, lifeCases, manyCases, runCases } from './cases/life.ts'
import { logCases } from './cases/logs.ts'
import { crowdCases, networkCases } from './cases/network.ts'
import { memoryCases } from './cases/memory.ts'
import { scaleCases } from './cases/scale.ts'
import { soakCases } from './cases/soak.ts'
import { measure, type Subject } from './measure.ts'
import { describeMachine, row } from './report.ts'
import { bundledProgram } from './support/bundle.ts'
import { mountExecRoot, unmountExecRoot } from './support/exec-root.ts'

const cases: Readonly<Record<string, readonly Subject[]>> = {
  memory: memoryCases,
  run: runCases,
  exec: execCases,
  life: lifeCases,
  many: manyCases,
  images: imageCases,
  builds: buildCases,
  'event-loop': eventLoopCases,
  logs: logCases,
  network: networkCases,
  growth: growthCases(200),
  scale: scaleCases,
  soak: soakCases,
  crowd: crowdCases(500),
  'small-crowd': crowdCases(60),
}
const lengthy = ['growth', 'scale', 'soak', 'crowd', 'small-crowd']
const usual = Object.keys(cases).filter((name) => !lengthy.includes(name))

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: 'wharfd,dockerd,podman' } },
})
const unknown = positionals.filter((name) => cases[name] === undefined)
if (unknown.length > 0)
  throw new Error(`no such case: ${unknown.join(', ')}; there are ${Object.keys(cases).join(', ')}`)

execFileSync('ip', ['link', 'set', 'lo', 'up'])
const execRoot = mountExecRoot()
const engines: Engine[] = []
try {
  for (const name of values.only.split(',')) {
    if (name === 'sources') engines.push(await Wharfd.startWithBusybox())
    else if (name === 'wharfd')
      engines.push(
        await Wharfd.startWithBusybox({ program: bundledProgram(), flags: ['--exec-root', execRoot] }),
      )
    else if (name === 'dockerd' || name === 'podman') {
      const peer = await ReferenceDockerd.start(name)
      if (peer === null) console.log(`${name} is left out: its root could not be made`)
      else engines.push(peer)
    } else throw new Error(`no such engine: ${name}`)
  }
  const names = engines.map(({ name }) => name)
  console.log(
    `${await describeMachine(engines)}\n\n| | ${names.join(' | ')} |\n|---|${names.map(() => '---|').join('')}`,
  )
  for (const name of positionals.length > 0 ? positionals : usual) {
    for (const subject of cases[name]!) console.log(row(await measure(subject, engines), names))
  }
} finally {
  await stopTraced()
  stopRegistries()
  for (const engine of engines) await engine.stop()
  unmountExecRoot()
}
