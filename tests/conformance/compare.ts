import { after, before, describe, test } from 'node:test'
import { assertSameText } from '../support/assert-same-text.ts'
import { make } from '../support/peers.ts'
import { ReferenceDockerd } from '../support/reference.ts'
import { Wharfd } from '../support/wharfd.ts'
import { play, type Script } from './script.ts'

/**
 * Declares a test for each script: what the docker CLI, or another in its place, shows on wharfd is what the docker CLI shows on
 * dockerd. Skipped where there is no dockerd.
 */
export async function compare(what: string, scripts: readonly Script[], cli?: string): Promise<void> {
  const { missing } = await make('sid')
  describe(`${what}: on dockerd and on wharfd`, { skip: missing }, () => {
    let reference: ReferenceDockerd | null = null
    let ours: Wharfd | null = null
    before(async () => {
      reference = await ReferenceDockerd.start()
      ours = await Wharfd.startWithBusybox()
    })
    after(async () => {
      await reference?.stop()
      await ours?.stop()
    })
    for (const script of scripts) {
      test(script.name, { skip: script.differs ?? false }, async () => {
        const expected = await play(script, reference!)
        assertSameText(await play(script, ours!, cli), expected)
      })
    }
  })
}
