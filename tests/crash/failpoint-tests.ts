import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Wharfd } from '../support/wharfd.ts'
import { assertWhole } from './invariants.ts'
import { workout } from './workout.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Failpoints of images and blobs, which `images.test.ts` reaches. */
const OF_IMAGES = /^(?:images|store\.(?:blob|garbage))\./

/** The names of all failpoints of images and blobs. */
export const imageFailpoints = (): readonly string[] => failpoints().filter((name) => OF_IMAGES.test(name))

/** The names of all failpoints in the sources. */
function failpoints(): readonly string[] {
  const files = globSync('src/**/*.ts', { cwd: root }).filter(
    (file) => !file.endsWith('.test.ts') && file !== 'src/base/failpoint.ts',
  )
  const names = files.flatMap((file) =>
    [...readFileSync(`${root}${file}`, 'utf8').matchAll(/\bfailpoint(?:Sync)?\(\s*'([^']+)'/g)].map(
      ([, name]) => name!,
    ),
  )
  return [...new Set(names)].sort()
}

/**
 * Declares a test for each failpoint of one share of them all: the daemon is killed there in the middle of its work, comes back, and
 * all is as before the step or as after it. Shares run beside each other.
 */
export function testFailpoints(share: { readonly index: number; readonly of: number }): void {
  const all = failpoints().filter((name) => !OF_IMAGES.test(name))
  test('there are failpoints between durable steps', () => {
    assert.ok(all.length >= 10, all.join(' '))
  })
  for (const name of all.filter((_, index) => index % share.of === share.index)) {
    test(`killed at ${name}, the daemon comes back whole`, { timeout: 150_000 }, async (t) => {
      const daemon = await Wharfd.startWithBusybox()
      try {
        await daemon.terminate()
        await daemon.restart({ env: { WHARF_FAILPOINTS: `${name}=1*kill` } })
        let died = ''
        for (const step of workout()) {
          await step.run(daemon)
          if (daemon.isRunning) continue
          died = step.name
          break
        }
        if (died === '') {
          t.skip('no step of the workout reaches it')
          return
        }
        await daemon.restart({})
        await assertWhole(daemon).catch((cause: unknown) => {
          throw new Error(`after it died in "${died}": ${daemon.logTail()}`, { cause })
        })
      } finally {
        await daemon.stop()
      }
    })
  }
}
