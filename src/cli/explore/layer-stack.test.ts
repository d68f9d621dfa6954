import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LayerFile } from '#spec/image-layers.ts'
import { changesOf } from './exploration.ts'
import { LayerStack } from './layer-stack.ts'

function file(path: string, sizeBytes = 0, more: Partial<LayerFile> = {}): LayerFile {
  const isDirectory = path.endsWith('/')
  return {
    path: path.replace(/\/$/, ''),
    type: isDirectory ? 'directory' : 'file',
    sizeBytes,
    mode: isDirectory ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    link: '',
    ...more,
  }
}

function changes(stack: LayerStack): string[] {
  return changesOf(stack.root).map(({ Path, Change }) => `${Change} ${Path}`)
}

test('add() marks what the layer adds, changes and removes, and nothing else', () => {
  const stack = new LayerStack()
  stack.add([file('bin/'), file('bin/sh', 10), file('bin/rm', 20), file('etc/'), file('etc/a', 1)])
  assert.deepEqual(changes(stack), [
    'added /bin',
    'added /bin/rm',
    'added /bin/sh',
    'added /etc',
    'added /etc/a',
  ])
  stack.add([file('bin/'), file('bin/sh', 12), file('bin/.wh.rm'), file('bin/new', 1)])
  assert.deepEqual(changes(stack), ['added /bin/new', 'removed /bin/rm', 'changed /bin/sh'])
  assert.deepEqual(stack.figures[1], { added: 1, changed: 1, removed: 1, hidesBytes: 30 })
  stack.add([file('etc/', 0, { mode: 0o700 })])
  assert.deepEqual(changes(stack), ['changed /etc'])
  assert.equal(stack.root.children?.get('bin')?.children?.has('rm'), false)
})

test('a whiteout hides lower files only, wherever it stands among its layer’s', () => {
  const lower = [file('d/'), file('d/low', 5), file('e/'), file('e/low', 7)]
  const upper = [file('.wh.d'), file('d/'), file('d/up', 1), file('e/'), file('e/up', 1), file('.wh.e')]
  const stack = new LayerStack()
  stack.add(lower)
  stack.add(upper)
  assert.deepEqual(changes(stack), [
    'changed /d',
    'removed /d/low',
    'added /d/up',
    'removed /e/low',
    'added /e/up',
  ])
  stack.add([])
  assert.deepEqual([...(stack.root.children?.get('d')?.children?.keys() ?? [])], ['up'])
})

test('an opaque directory hides all that lower layers have in it', () => {
  const stack = new LayerStack()
  stack.add([file('d/'), file('d/a', 5), file('d/deep/'), file('d/deep/b', 6)])
  stack.add([file('d/'), file('d/new', 1), file('d/.wh..wh..opq')])
  assert.deepEqual(changes(stack), ['removed /d/a', 'removed /d/deep', 'removed /d/deep/b', 'added /d/new'])
  assert.equal(stack.figures[1]?.hidesBytes, 11)
})

test('hidden bytes are counted once for each time they are hidden', () => {
  const stack = new LayerStack()
  stack.add([file('log', 100)])
  stack.add([file('log', 200)])
  stack.add([file('.wh.log')])
  stack.add([file('log', 1)])
  assert.deepEqual([...stack.hidden.values()], [{ path: 'log', times: 2, sizeBytes: 300 }])
})

test('a directory that becomes a file hides what was in it', () => {
  const stack = new LayerStack()
  stack.add([file('d/'), file('d/a', 5)])
  stack.add([file('d', 3)])
  assert.deepEqual(changes(stack), ['changed /d'])
  assert.deepEqual([...stack.hidden.keys()], ['d/a'])
})
