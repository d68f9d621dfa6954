import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { buildPeer, buildFailure } from '../support/peers.ts'
import { ReferenceDockerd } from '../support/reference.ts'
import { Wharfd } from '../support/wharfd.ts'
import { play } from './script.ts'
import { containerScripts } from './scripts.ts'

const { missing } = await buildPeer()
if (missing !== false) console.log(missing, buildFailure())

describe(
  'containers, by the docker CLI on dockerd and on wharfd',
  { skip: missing, timeout: 320_000 },
  () => {
    let reference: ReferenceDockerd
    let ours: Wharfd
    before(async () => {
      reference = (await ReferenceDockerd.start())!
      ours = await Wharfd.startWithBusybox()
    })
    after(async () => {
      await reference?.stop()
      await ours?.stop()
    })
    for (const script of containerScripts) {
      test(script.name, { skip: script.differs ?? false }, async () => {
        const expected = await play(script, reference)
        assert.equal(await play(script, ours), expected)
      })
    }
  },
)
