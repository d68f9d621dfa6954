import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NamespaceChoice } from '../runtime.ts'
import { ociNamespaces } from './namespaces.ts'

const cases: readonly (readonly [pid: NamespaceChoice, hasClocks: boolean])[] = [
  [{ kind: 'private' }, true],
  [{ kind: 'host' }, false],
  [{ kind: 'join', path: '/proc/1/ns/pid' }, false],
]

for (const [pid, hasClocks] of cases) {
  test(`ociNamespaces() with pid ${pid.kind}: clocks of its own: ${String(hasClocks)}`, () => {
    const own: NamespaceChoice = { kind: 'private' }
    const choices = { network: own, uts: own, ipc: own, cgroup: own, user: null, pid }
    const types = ociNamespaces(choices, { time: true }).map(({ type }) => type)
    assert.equal(types.includes('time'), hasClocks)
    assert.equal(types.includes('pid'), pid.kind !== 'host')
  })
}
