import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LayerFile } from '#spec/image-layers.ts'
import { drawExplorer } from './draw.ts'
import type { Exploration } from './exploration.ts'
import { Explorer } from './explorer.ts'
import { parseKeys } from './keys.ts'

const file = (path: string, type: LayerFile['type'] = 'file'): LayerFile => ({
  path,
  type,
  sizeBytes: 1000,
  mode: 0o644,
  uid: 0,
  gid: 0,
  link: '',
})

function exploration(): Exploration {
  const layer = (number: number, files: readonly LayerFile[]) => ({
    number,
    files,
    DiffID: `sha256:${number}`,
    Size: 1000,
    CreatedBy: `/bin/sh -c #(nop) COPY step${number}\x1b[2J`,
    Created: null,
    Comment: '',
    added: 1,
    changed: 0,
    removed: 0,
    hidesBytes: 0,
  })
  return {
    name: 'made/it',
    id: `sha256:${'ab'.repeat(32)}`,
    sizeBytes: 2000,
    layers: [
      layer(1, [
        file('a', 'directory'),
        file('a/b', 'directory'),
        file('a/b/c', 'directory'),
        file('a/b/c/deep'),
        file('keep'),
      ]),
      layer(2, [file('a/b/c/.wh.deep'), file('a/new')]),
    ],
    wasted: [{ path: 'a/b/c/deep', times: 1, sizeBytes: 1000 }],
    wastedBytes: 1000,
  }
}

const shown = (explorer: Explorer) => explorer.lines.map(({ path, file: { change } }) => `${change} ${path}`)
const press = (explorer: Explorer, text: string) => parseKeys(text).map((key) => explorer.press(key, 10))

test('shows the changes of the last layer first; keys choose the layer, all files and what is wasted', () => {
  const explorer = new Explorer(exploration())
  assert.deepEqual(shown(explorer), ['within /a', 'within /a/b', 'within /a/b/c', 'added /a/new'])
  press(explorer, '\tjj \t')
  assert.deepEqual(shown(explorer), [
    'within /a',
    'within /a/b',
    'within /a/b/c',
    'removed /a/b/c/deep',
    'added /a/new',
  ])
  press(explorer, 'a')
  assert.ok(shown(explorer).includes('none /keep'))
  press(explorer, 'a\x1b[A')
  assert.equal(explorer.layer, 0)
  assert.deepEqual(shown(explorer), ['added /a', 'added /a/b', 'added /a/b/c', 'added /keep'])
  press(explorer, 'w')
  assert.equal(explorer.lineCount, 1)
  assert.deepEqual(press(explorer, 'q'), [false])
})

test('left closes a directory, then goes above it, then back to the layers', () => {
  const explorer = new Explorer(exploration())
  press(explorer, '\tj')
  assert.equal(explorer.lines[explorer.line]?.path, '/a/b')
  press(explorer, '\x1b[D')
  assert.deepEqual(shown(explorer), ['within /a', 'within /a/b', 'added /a/new'])
  press(explorer, '\x1b[D')
  assert.equal(explorer.line, 0)
  press(explorer, '\x1b[D\x1b[D')
  assert.equal(explorer.pane, 'layers')
})

test('no line is longer than the screen, and nothing of the image reaches the terminal as it is', () => {
  const explorer = new Explorer(exploration())
  for (const columns of [40, 80, 200]) {
    const lines = drawExplorer(explorer, { size: { rows: 12, columns }, colours: true })
    assert.equal(lines.length, 12)
    for (const line of lines) {
      assert.ok([...line.replaceAll(/\x1b\[\d+m/g, '')].length <= columns, line)
      assert.equal(line.replaceAll(/\x1b\[\d+m/g, '').includes('\x1b'), false)
    }
  }
})

test('parseKeys() passes over what means nothing here', () => {
  assert.deepEqual(parseKeys('\x1b[1;5C\x1bOBx\x1b[6~'), ['down', { letter: 'x' }, 'page-down'])
})
