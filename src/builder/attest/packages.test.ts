import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readApkInstalled } from './apk.ts'
import { readDpkgStatus } from './dpkg.ts'
import { readNpmLock } from './npm.ts'

test('readDpkgStatus() lists what is installed', () => {
  const text = `Package: libc6
Status: install ok installed
Maintainer: The Maintainers <m@example.org>
Architecture: amd64
Version: 2.36-9+deb12u1
Description: the C library
 Version: no field, but a line of the description

Package: gone
Status: deinstall ok config-files
Version: 1

Package: epoch
Version: 1:2.3
`
  const found = readDpkgStatus(text, { source: '/s', distribution: 'debian' })
  assert.deepEqual(
    found.map(({ name, purl, supplier }) => [name, purl, supplier]),
    [
      ['libc6', 'pkg:deb/debian/libc6@2.36-9+deb12u1?arch=amd64', 'The Maintainers <m@example.org>'],
      ['epoch', 'pkg:deb/debian/epoch@1:2.3', null],
    ],
  )
})

test('readApkInstalled() reads names, versions and licences', () => {
  const text = 'C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\nF:lib\nR:ld-musl.so\n\nP:half\n\n'
  assert.deepEqual(readApkInstalled(text, { source: '/i', distribution: 'alpine' }), [
    {
      name: 'musl',
      version: '1.2.4-r2',
      purl: 'pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64',
      license: 'MIT',
      supplier: null,
      source: '/i',
    },
  ])
})

test('readNpmLock() reads lock files of every version', () => {
  const three = {
    lockfileVersion: 3,
    packages: {
      '': { name: 'app', version: '1.0.0' },
      'node_modules/a': { version: '2.0.0', license: 'MIT' },
      'node_modules/a/node_modules/@s/b': { version: '3.0.0' },
      'node_modules/linked': { link: true, version: '9.9.9' },
      'node_modules/alias': { name: 'real', version: '4.0.0' },
    },
  }
  const purls = (value: unknown): string[] => readNpmLock(JSON.stringify(value), '/l').map(({ purl }) => purl)
  assert.deepEqual(purls(three), ['pkg:npm/a@2.0.0', 'pkg:npm/%40s/b@3.0.0', 'pkg:npm/real@4.0.0'])
  const one = { dependencies: { a: { version: '1.0.0', dependencies: { c: { version: '5.0.0' } } } } }
  assert.deepEqual(purls(one), ['pkg:npm/a@1.0.0', 'pkg:npm/c@5.0.0'])
  for (const text of ['', 'null', '[]', '{"packages":[1]}', '{"dependencies":{"a":null}}', '{'])
    assert.deepEqual(readNpmLock(text, '/l'), [])
})
