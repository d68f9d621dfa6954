import assert from 'node:assert/strict'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  findBeneath,
  makeDirectoryBeneath,
  openBeneath,
  openParentBeneath,
  resolveBeneath,
} from '#kernel/paths.ts'

const directory = mkdtempSync(join(tmpdir(), 'wharf-paths-'))
const root = join(directory, 'root')
mkdirSync(join(root, 'a/b'), { recursive: true })
mkdirSync(join(root, 'etc'))
writeFileSync(join(root, 'a/file'), '')
symlinkSync('/etc', join(root, 'absolute'))
symlinkSync('../../../../a', join(root, 'a/upwards'))
symlinkSync('loop', join(root, 'loop'))
after(() => rmSync(directory, { recursive: true }))

const cases = [
  { path: '/', found: '' },
  { path: '', found: '' },
  { path: 'a/b', found: '/a/b' },
  { path: '/a/../../../a', found: '/a' },
  { path: '/absolute', found: '/etc' },
  { path: '/a/upwards/b', found: '/a/b' },
]
for (const { path, found } of cases) {
  test(`resolveBeneath() of ${JSON.stringify(path)} stays inside`, () =>
    assert.equal(resolveBeneath(root, path), root + found))
}

test('resolveBeneath() tells what is missing and what loops', () => {
  assert.throws(() => resolveBeneath(root, 'nope'), { errno: 'ENOENT' })
  assert.throws(() => resolveBeneath(root, 'a/file/x'), { errno: 'ENOTDIR' })
  assert.throws(() => resolveBeneath(root, 'loop'), { errno: 'ELOOP' })
  assert.throws(() => resolveBeneath(root, 'a\0b'), { errno: 'EINVAL' })
  assert.equal(findBeneath(root, 'nope/x'), null)
  assert.equal(findBeneath(root, 'a/file/x'), null)
})

test('openBeneath() does not follow a link out through /proc', () => {
  symlinkSync('/proc/self/root/etc/passwd', join(root, 'magic'))
  assert.throws(() => openBeneath(root, 'magic'), { errno: 'ENOENT' })
})

test('openParentBeneath() follows links of the directories only', () => {
  const { fd, name } = openParentBeneath(root, '/absolute/new')
  try {
    assert.equal(name, 'new')
    assert.equal(readlinkSync(`/proc/self/fd/${String(fd)}`), join(root, 'etc'))
  } finally {
    closeSync(fd)
  }
  for (const path of ['/', '', 'a/..'])
    assert.throws(() => openParentBeneath(root, path), { errno: 'EINVAL' })
})

test('makeDirectoryBeneath() makes what is missing inside the root', () => {
  assert.equal(makeDirectoryBeneath(root, '/absolute/x/y'), join(root, 'etc/x/y'))
  assert.equal(makeDirectoryBeneath(root, '../../z'), join(root, 'z'))
  assert.ok(existsSync(join(root, 'z')))
  assert.throws(() => makeDirectoryBeneath(root, 'a/file/x'), { errno: 'ENOTDIR' })
})
