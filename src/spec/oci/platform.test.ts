import assert from 'node:assert/strict'
import { test } from 'node:test'
import { digestOf } from '#base/digest.ts'
import { OCI_MANIFEST, type OciDescriptor, type OciPlatform } from './image.ts'
import { choosePlatform, matchesPlatform, normalisePlatform, platformText } from './platform.ts'

function entry(platform?: OciPlatform): OciDescriptor {
  const digest = digestOf(JSON.stringify(platform ?? null))
  return { mediaType: OCI_MANIFEST, digest, size: 1, ...(platform === undefined ? {} : { platform }) }
}

const amd64 = entry({ os: 'linux', architecture: 'amd64' })
const arm5 = entry({ os: 'linux', architecture: 'arm', variant: 'v5' })
const arm7 = entry({ os: 'linux', architecture: 'arm', variant: 'v7' })
const arm64 = entry({ os: 'linux', architecture: 'arm64', variant: 'v8' })
const attestation = entry({ os: 'unknown', architecture: 'unknown' })
const index = [attestation, arm5, arm64, arm7, amd64]

const cases: readonly [text: string, expected: OciDescriptor | null][] = [
  ['linux/amd64', amd64],
  ['linux/x86_64', amd64],
  ['linux/amd64/v3', amd64],
  ['linux/arm64', arm64],
  ['linux/aarch64', arm64],
  ['linux/arm', arm7],
  ['linux/arm/v6', arm5],
  ['linux/s390x', null],
  ['windows/amd64', null],
]
for (const [text, expected] of cases) {
  test(`choosePlatform() for ${text}`, () => {
    const [os = '', architecture, variant] = text.split('/')
    assert.equal(choosePlatform(index, { os, architecture, variant }), expected)
  })
}

test('choosePlatform() takes a manifest without a platform when it is the only one', () => {
  const bare = entry()
  assert.equal(choosePlatform([bare], { os: 'linux', architecture: 'amd64' }), bare)
  assert.equal(choosePlatform([bare, arm64], { os: 'linux', architecture: 'amd64' }), null)
})

test('matchesPlatform() matches any architecture when none was asked for', () => {
  assert.equal(matchesPlatform({ os: 'linux' }, { os: 'linux', architecture: 'arm64' }), true)
  assert.equal(
    platformText(normalisePlatform({ os: 'Linux', architecture: 'aarch64', variant: 'v8' })),
    'linux/arm64',
  )
})
