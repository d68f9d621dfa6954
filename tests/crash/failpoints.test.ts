import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { busyboxArchive } from '../support/busybox-image.ts'
import { Wharfd } from '../support/wharfd.ts'
import { assertWhole } from './invariants.ts'
import { workout } from './workout.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const names = globSync('src/**/*.ts', { cwd: root })
  .filter((file) => !file.endsWith('.test.ts') && file !== 'src/base/failpoint.ts')
  .flatMap((file) =>
    [...readFileSync(`${root}${file}`, 'utf8').matchAll(/\bfailpoint(?:Sync)?\(\s*'([^']+)'/g)].map(
      ([, name]) => name!,
    ),
  )
const failpoints = [...new Set(names)].sort()

let daemon: Wharfd | null = null
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(async () => {
  await daemon?.stop()
})

test('there are failpoints between durable steps', () => {
  assert.ok(failpoints.length >= 10, failpoints.join(' '))
})

for (const name of failpoints) {
  test(`killed at ${name}, the daemon comes back whole`, { timeout: 180_000 }, async (t) => {
    const wharfd = daemon!
    await wharfd.terminate()
    await wharfd.restart({ env: { WHARF_FAILPOINTS: `${name}=1*kill` } })
    const steps = [...workout()]
    for (let step = steps.shift(); step !== undefined && wharfd.isRunning; step = steps.shift())
      await step.run(wharfd)
    const reached = !wharfd.isRunning
    if (!reached) await wharfd.terminate()
    await wharfd.restart({})
    await assertWhole(wharfd)
    await wharfd.ok('load', '-i', await busyboxArchive())
    if (!reached) t.skip('no step of the workout reaches it')
  })
}
