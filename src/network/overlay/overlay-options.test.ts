import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError, NotImplementedError } from '#errors/errors.ts'
import { parseOverlayOptions, VNI_OPTION } from './overlay-options.ts'

test('overlay options: what is left of a frame in a tunnel, no identifier before one is chosen', () => {
  assert.deepEqual(parseOverlayOptions({}), { vnis: [], mtu: 1450 })
  const given = { [VNI_OPTION]: '77, 78', 'com.docker.network.driver.mtu': '8900', encrypted: 'false' }
  assert.deepEqual(parseOverlayOptions(given), { vnis: [77, 78], mtu: 8900 })
})

test('overlay options that cannot be are refused', () => {
  for (const list of ['0', '16777216', 'x', '5,5', '1,']) {
    assert.throws(() => parseOverlayOptions({ [VNI_OPTION]: list }), InvalidArgumentError, list)
  }
  for (const encrypted of ['', 'true', '1']) {
    assert.throws(() => parseOverlayOptions({ encrypted }), NotImplementedError)
  }
})
