import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cgroupPlace, isSliceName, slicePath } from './cgroup-place.ts'

test('cgroupPlace() joins paths for cgroupfs', () => {
  assert.deepEqual(cgroupPlace('cgroupfs', '/a/b', 'id'), { spec: '/a/b/id', path: '/a/b/id' })
  assert.deepEqual(cgroupPlace('cgroupfs', 'a', 'id'), { spec: '/a/id', path: '/a/id' })
})

test('cgroupPlace() names a scope for systemd', () => {
  assert.deepEqual(cgroupPlace('systemd', 'a-b.slice', 'id'), {
    spec: 'a-b.slice:wharf:id',
    path: '/a.slice/a-b.slice/wharf-id.scope',
  })
})

test('slicePath() follows the dashes of a name', () => {
  assert.equal(slicePath('system.slice'), '/system.slice')
  assert.equal(slicePath('a-b-c.slice'), '/a.slice/a-b.slice/a-b-c.slice')
  assert.equal(slicePath('-.slice'), '/')
})

test('isSliceName() wants a name and the ending', () => {
  assert.deepEqual(['a.slice', '.slice', 'a', '/a/b'].map(isSliceName), [true, false, false, false])
})
