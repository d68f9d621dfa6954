import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { OciSpec } from '../spec/oci-spec.ts'
import { applyEdits } from './apply-edits.ts'
import { requestedEdits } from './cdi-devices.ts'
import { parseCdiName, parseCdiSpec } from './cdi-spec.ts'

const directory = mkdtempSync(join(tmpdir(), 'wharf-cdi-'))
after(() => rmSync(directory, { recursive: true }))
const [early, late] = [join(directory, 'etc'), join(directory, 'run')]
for (const name of [early, late]) mkdirSync(name)
writeFileSync(
  join(early, 'vendor.yaml'),
  `cdiVersion: 0.6.0
kind: vendor.example/dev
containerEdits:
  env: [COMMON=1]
devices:
  - name: one
    containerEdits:
      env: [DEV=one]
      deviceNodes: [{ path: /dev/mine, hostPath: /dev/null, permissions: rw }]
      mounts: [{ hostPath: /etc, containerPath: /vendor, options: [ro, rbind] }]
      hooks: [{ hookName: createContainer, path: /bin/true, args: ['true'] }]
  - name: two
    containerEdits: { env: [DEV=early] }
`,
)
writeFileSync(
  join(late, 'vendor.json'),
  JSON.stringify({
    cdiVersion: '0.6.0',
    kind: 'vendor.example/dev',
    devices: [{ name: 'two', containerEdits: { env: ['DEV=late'] } }],
  }),
)
writeFileSync(join(late, 'broken.json'), '{')
const directories = [early, join(directory, 'none'), late]
const spec = {
  ociVersion: '1.0.2',
  process: { env: ['PATH=/bin'], user: { uid: 0, gid: 0 } },
  mounts: [{ destination: '/vendor', type: 'tmpfs', source: 'tmpfs', options: [] }],
  linux: { resources: { devices: [{ allow: false, access: 'rwm' }] } },
} as unknown as OciSpec

test('a device brings its environment, node, mounts and hooks, and what is common to its kind', () => {
  const made = applyEdits(
    spec,
    requestedEdits([{ Driver: 'cdi', DeviceIDs: ['vendor.example/dev=one'] }], directories),
  )
  assert.deepEqual(made.process.env, ['PATH=/bin', 'COMMON=1', 'DEV=one'])
  const { path, type, major, minor } = made.linux.devices?.[0] ?? {}
  assert.deepEqual({ path, type, major, minor }, { path: '/dev/mine', type: 'c', major: 1, minor: 3 })
  assert.deepEqual(made.linux.resources.devices.at(-1), {
    allow: true,
    type: 'c',
    major: 1,
    minor: 3,
    access: 'rw',
  })
  assert.deepEqual(made.mounts, [
    { destination: '/vendor', source: '/etc', type: 'bind', options: ['ro', 'rbind'] },
  ])
  assert.deepEqual(made.hooks, { createContainer: [{ path: '/bin/true', args: ['true'] }] })
})

test('a later directory wins, and a broken file hurts nobody', () => {
  const edits = requestedEdits([{ Driver: 'cdi', DeviceIDs: ['vendor.example/dev=two'] }], directories)
  assert.deepEqual(
    edits.map((edit) => edit.env),
    [['DEV=late']],
  )
})

test("what cannot be had is refused in dockerd's words", () => {
  assert.throws(
    () => requestedEdits([{ Driver: 'cdi', DeviceIDs: ['vendor.example/dev=three'] }], directories),
    {
      code: 'invalid_argument',
      message: 'CDI device injection failed: unresolvable CDI devices vendor.example/dev=three',
    },
  )
  assert.throws(() => requestedEdits([{ Count: -1, Capabilities: [['gpu']] }], directories), {
    code: 'invalid_argument',
    message: 'could not select device driver "" with capabilities: [[gpu]]',
  })
})

test('parseCdiName() and parseCdiSpec() refuse what is not of their form', () => {
  assert.deepEqual(parseCdiName('a.b/c=d:1'), { kind: 'a.b/c', name: 'd:1' })
  for (const text of ['', 'a', 'a/b', '=x', 'a/b=', 'a=b', '/dev/null'])
    assert.equal(parseCdiName(text), null)
  for (const text of ['', '[]', 'kind: x', 'kind: a/b', 'kind: a/b\ndevices: [{name: ""}]', ': : :']) {
    assert.throws(() => parseCdiSpec(text), { code: 'invalid_argument' })
  }
})
