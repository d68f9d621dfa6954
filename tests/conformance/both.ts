import { after, before, describe } from 'node:test'
import type { Engine } from '../support/engine.ts'
import { make } from '../support/peers.ts'
import { ReferenceDockerd } from '../support/reference.ts'
import { Wharfd } from '../support/wharfd.ts'

/**
 * Declares the same tests for the reference dockerd and for wharfd, each started once with the image `busybox`. A test that is red on
 * the reference is a wrong test. Without the reference, its half is skipped.
 */
export async function onBoth(what: string, declare: (engine: () => Engine) => void): Promise<void> {
  const { missing } = await make('sid')
  const halves = [
    { name: 'dockerd', skip: missing, start: () => ReferenceDockerd.start() },
    { name: 'wharfd', skip: false, start: () => Wharfd.startWithBusybox() },
  ]
  for (const { name, skip, start } of halves) {
    describe(`${what} on ${name}`, { skip }, () => {
      let engine: Engine | null = null
      before(async () => {
        engine = await start()
      })
      after(async () => {
        await engine?.stop()
      })
      declare(() => engine!)
    })
  }
}
