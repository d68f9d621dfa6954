import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { pack } from 'tar-stream'
import type { Headers } from './pack.ts'
import { packTree } from './pack.ts'
import { unpackTree } from './unpack.ts'

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'w-unpack-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function archive(entries: readonly (Headers & { readonly content?: string })[]): AsyncIterable<Uint8Array> {
  const tar = pack()
  for (const { content = '', ...header } of entries) tar.entry(header, content)
  tar.finalize()
  return tar as unknown as AsyncIterable<Uint8Array>
}

test('packTree() and unpackTree() give the same tree back', async (t) => {
  const from = scratch(t)
  const to = scratch(t)
  writeFileSync(join(from, 'a'), 'hello', { mode: 0o640 })
  symlinkSync('a', join(from, 'l'))
  await unpackTree(packTree({ root: from, name: 'top' }), { folder: to, owners: false })
  assert.equal(readFileSync(join(to, 'top/l'), 'utf8'), 'hello')
  assert.equal(statSync(join(to, 'top/a')).mode & 0o777, 0o640)
})

test('an entry with .. in its name stays in the folder', async (t) => {
  const folder = scratch(t)
  const inner = join(folder, 'inner')
  await unpackTree(archive([{ name: '../../escaped', content: 'x' }]), { folder: inner, owners: false })
  assert.equal(existsSync(join(folder, 'escaped')), false)
  assert.equal(readFileSync(join(inner, 'escaped'), 'utf8'), 'x')
})

test('an entry does not go through a link of the archive', async (t) => {
  const folder = scratch(t)
  const outside = scratch(t)
  const hostile = archive([
    { name: 'd', type: 'symlink', linkname: outside },
    { name: 'd/escaped', content: 'x' },
  ])
  await assert.rejects(unpackTree(hostile, { folder, owners: false }), /goes through a link/)
  assert.equal(existsSync(join(outside, 'escaped')), false)
})

test('a hard link to a link of the archive is refused', async (t) => {
  const folder = scratch(t)
  const hostile = archive([
    { name: 's', type: 'symlink', linkname: '/etc/passwd' },
    { name: 'h', type: 'link', linkname: 's' },
  ])
  await assert.rejects(unpackTree(hostile, { folder, owners: false }), /hard link/)
})
