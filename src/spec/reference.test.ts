import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidArgumentError } from '#errors/errors.ts'
import { canonicalString, familiarString, parseReference, withDefaultTag, withTag } from './reference.ts'

const HEX = 'ab'.repeat(32)

const accepted: readonly [text: string, canonical: string, familiar: string][] = [
  ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
  ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
  ['index.docker.io/busybox:1', 'docker.io/library/busybox:1', 'busybox:1'],
  ['user/app:v1', 'docker.io/user/app:v1', 'user/app:v1'],
  ['library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
  ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
  ['127.0.0.1:5000/a/b-c__d.e:T_1', '127.0.0.1:5000/a/b-c__d.e:T_1', '127.0.0.1:5000/a/b-c__d.e:T_1'],
  ['[::1]:5000/a', '[::1]:5000/a:latest', '[::1]:5000/a:latest'],
  ['Host/app', 'Host/app:latest', 'Host/app:latest'],
  [`a@sha256:${HEX}`, `docker.io/library/a@sha256:${HEX}`, `a@sha256:${HEX}`],
  [`r.example/a:t@sha256:${HEX}`, `r.example/a:t@sha256:${HEX}`, `r.example/a:t@sha256:${HEX}`],
]
for (const [text, canonical, familiar] of accepted) {
  test(`parseReference() reads ${text}`, () => {
    const reference = withDefaultTag(parseReference(text))
    assert.equal(canonicalString(reference), canonical)
    assert.equal(familiarString(reference), familiar)
    assert.deepEqual(parseReference(canonical), reference, 'the canonical form reads back')
  })
}

const refused: readonly [text: string, message: string][] = [
  ['', 'invalid reference format'],
  ['UPPER', 'invalid reference format: repository name (library/UPPER) must be lowercase'],
  ['a//b', 'invalid reference format'],
  ['a:', 'invalid reference format'],
  ['a:b:c', 'invalid reference format'],
  ['../etc/passwd', 'invalid reference format'],
  ['-a', 'invalid reference format'],
  ['a b', 'invalid reference format'],
  [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
  ['a@sha256:' + 'a'.repeat(40), 'invalid checksum digest length'],
  ['a@md5:' + 'a'.repeat(32), 'unsupported digest algorithm'],
  ['a/'.repeat(130) + 'b', 'repository name must not be more than 255 characters'],
  ['a'.repeat(100_000), 'invalid reference format'],
]
for (const [text, message] of refused) {
  test(`parseReference() refuses ${text.slice(0, 40)}`, () => {
    assert.throws(() => parseReference(text), { constructor: InvalidArgumentError, message })
  })
}

test('withTag() refuses what is no tag', () => {
  assert.throws(() => withTag(parseReference('a'), 'x/y'), { message: 'invalid tag format' })
})
