import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { removeTree } from './remove-tree.ts'

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'remove-tree-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('removeTree() removes files and directories, full and empty', async (t) => {
  const root = join(scratch(t), 'tree')
  mkdirSync(join(root, 'empty'), { recursive: true })
  mkdirSync(join(root, 'deep/er'), { recursive: true })
  for (const name of ['a', 'b', 'deep/c', 'deep/er/d']) writeFileSync(join(root, name), name)
  await removeTree(root)
  assert.equal(existsSync(root), false)
})

test('removeTree() follows no symlink', async (t) => {
  const at = scratch(t)
  mkdirSync(join(at, 'kept'))
  writeFileSync(join(at, 'kept/file'), '')
  mkdirSync(join(at, 'tree'))
  symlinkSync(join(at, 'kept'), join(at, 'tree/link'))
  await removeTree(join(at, 'tree'))
  assert.equal(existsSync(join(at, 'tree')), false)
  assert.equal(existsSync(join(at, 'kept/file')), true)
})

test('removeTree() removes a directory of many files', async (t) => {
  const root = join(scratch(t), 'tree')
  mkdirSync(root)
  for (let index = 0; index < 200; index += 1) writeFileSync(join(root, String(index)), '')
  await removeTree(root)
  assert.equal(existsSync(root), false)
})

test('removeTree() is content with what is not there', async (t) => {
  await removeTree(join(scratch(t), 'nothing'))
})

test('removeTree() of a tree that somebody else removes too leaves nothing', async (t) => {
  const at = scratch(t)
  for (let round = 0; round < 50; round += 1) {
    const root = join(at, `tree${round}`)
    mkdirSync(join(root, 'deep/er'), { recursive: true })
    for (const name of ['a', 'b', 'c', 'deep/d', 'deep/er/e', 'deep/er/f'])
      writeFileSync(join(root, name), name)
    await Promise.all([removeTree(root), removeTree(root)])
    assert.equal(existsSync(root), false, `round ${round}`)
  }
})
