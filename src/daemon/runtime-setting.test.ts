import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRuntimeSetting, type RuntimeSetting } from './runtime-setting.ts'

const shim = { runtimeType: 'io.containerd.runc.v2' }

const understood: readonly (readonly [RuntimeSetting, string, readonly string[]])[] = [
  [{ path: '/x', runtimeArgs: ['--a', 'b'] }, '/x', ['--a', 'b']],
  [shim, 'runc', []],
  [
    { ...shim, options: { BinaryName: '/usr/bin/crun', SystemdCgroup: true } },
    '/usr/bin/crun',
    ['--systemd-cgroup'],
  ],
  [{ runtimeType: 'io.containerd.runsc.v1' }, 'runsc', []],
]

for (const [setting, path, args] of understood) {
  test(`parseRuntimeSetting() understands ${JSON.stringify(setting)}`, () => {
    assert.deepEqual(parseRuntimeSetting('x', setting), { path, args })
  })
}

const refused: readonly (readonly [RuntimeSetting, RegExp])[] = [
  [{}, /^runtime x: either a runtimeType or a path must be configured$/],
  [{ path: '/x', ...shim }, /cannot configure both path and runtimeType/],
  [{ path: '/x', options: { a: 1 } }, /options cannot be used with a path runtime/],
  [{ ...shim, runtimeArgs: ['a'] }, /args cannot be used with a runtimeType runtime/],
  [{ runtimeType: 'io.containerd.kata.v2' }, /runtimeType io.containerd.kata.v2 is not supported/],
  [{ ...shim, options: { ShimCgroup: '/x' } }, /option ShimCgroup is not supported/],
]

for (const [setting, message] of refused) {
  test(`parseRuntimeSetting() refuses ${JSON.stringify(setting)}`, () => {
    assert.throws(() => parseRuntimeSetting('x', setting), { message })
  })
}
