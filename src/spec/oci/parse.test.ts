import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#base/digest.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import { OCI_CONFIG, OCI_LAYER_GZIP } from './image.ts'
import { parseImageConfig, parseIndex, parseManifest } from './parse.ts'

const bytes = (value: unknown): Buffer =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const digest = digestOf('x')
const descriptor = { mediaType: OCI_LAYER_GZIP, digest, size: 3 }
const manifest = {
  schemaVersion: 2,
  config: { mediaType: OCI_CONFIG, digest, size: 2 },
  layers: [descriptor],
}

test('parseManifest() reads a manifest', () => {
  assert.equal(parseManifest(bytes(manifest)).layers[0]?.digest, digest)
})

const badManifests: readonly [title: string, value: unknown][] = [
  ['what is no JSON', '{'],
  ['a list', []],
  ['schema 1', { ...manifest, schemaVersion: 1 }],
  ['a layer without a digest', { ...manifest, layers: [{ ...descriptor, digest: 'sha256:../../etc' }] }],
  ['a negative size', { ...manifest, layers: [{ ...descriptor, size: -1 }] }],
  ['a fractional size', { ...manifest, layers: [{ ...descriptor, size: 1.5 }] }],
  ['no layers', { ...manifest, layers: null }],
  ['too many layers', { ...manifest, layers: Array.from({ length: 500 }, () => descriptor) }],
  ['too many bytes', `${' '.repeat(4 * 1024 * 1024)}{}`],
]
for (const [title, value] of badManifests) {
  test(`parseManifest() refuses ${title}`, () =>
    assert.throws(() => parseManifest(bytes(value)), InvalidArgumentError))
}

test('parseIndex() refuses a platform that is none', () => {
  const good = {
    schemaVersion: 2,
    manifests: [{ ...descriptor, platform: { os: 'linux', architecture: 'amd64' } }],
  }
  assert.equal(parseIndex(bytes(good)).manifests.length, 1)
  const bad = { manifests: [{ ...descriptor, platform: { os: 7, architecture: 'amd64' } }] }
  assert.throws(() => parseIndex(bytes(bad)), InvalidArgumentError)
})

const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digest] } }
test('parseImageConfig() reads a configuration, and one without layers', () => {
  assert.deepEqual(parseImageConfig(bytes(config)).rootfs.diff_ids, [digest])
  assert.deepEqual(parseImageConfig(bytes({ ...config, rootfs: { type: 'layers' } })).rootfs.diff_ids, [])
})

const badConfigs: readonly [title: string, value: unknown][] = [
  ['no rootfs', { os: 'linux', architecture: 'amd64' }],
  ['a diff_id with a path', { ...config, rootfs: { diff_ids: ['sha256:/../../x'] } }],
  ['an Env that is no list', { ...config, config: { Env: 'PATH=/' } }],
  ['a Cmd of numbers', { ...config, config: { Cmd: [1] } }],
  ['a history that is no list', { ...config, history: {} }],
  ['labels of objects', { ...config, config: { Labels: { a: {} } } }],
]
for (const [title, value] of badConfigs) {
  test(`parseImageConfig() refuses ${title}`, () =>
    assert.throws(() => parseImageConfig(bytes(value)), InvalidArgumentError))
}
