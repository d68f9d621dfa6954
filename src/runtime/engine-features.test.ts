import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCrunVersion, parseFeatures } from './engine-features.ts'

test('parseFeatures() looks for the namespaces that not every runtime has', () => {
  assert.deepEqual(parseFeatures('{"linux":{"namespaces":["pid","time"]}}'), { timeNamespaces: true })
  assert.deepEqual(parseFeatures('{"linux":{"namespaces":["pid"]}}'), { timeNamespaces: false })
  assert.deepEqual(parseFeatures('{}'), { timeNamespaces: false })
})

test('parseCrunVersion() knows crun from others', () => {
  assert.deepEqual(parseCrunVersion('crun version 1.8.1\ncommit: f8a\n'), [1, 8, 1])
  assert.deepEqual(parseCrunVersion('crun version 1.28\n'), [1, 28, 0])
  assert.equal(parseCrunVersion('runc version 1.1.5\n'), null)
})
