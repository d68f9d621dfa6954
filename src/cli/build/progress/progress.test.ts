import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BuildVertex } from '#spec/docker/build-status.ts'
import { BuildView } from './build-view.ts'
import { PlainRenderer } from './plain.ts'
import { frame } from './tty.ts'

const at = 1_700_000_000_000

function vertex(name: string, news: Partial<BuildVertex> = {}): BuildVertex {
  const rest = { inputs: [], cached: false, startedMs: at, completedMs: null, error: '' }
  return { digest: name, name, ...rest, ...news }
}

function log(name: string, text: string) {
  return { vertex: name, timeMs: at + 120, stream: 'stdout' as const, bytes: Buffer.from(text) }
}

function plain(view: BuildView, ...statuses: Parameters<BuildView['apply']>[0][]): string {
  let text = ''
  const renderer = new PlainRenderer({ isTty: false, write: (part) => (text += part) })
  for (const status of statuses) renderer.show(view.apply(status))
  renderer.end()
  return text
}

test('plain: a line for each thing, steps told apart where they mix', () => {
  const text = plain(
    new BuildView(),
    { vertexes: [vertex('one'), vertex('two')], logs: [log('one', 'half')] },
    { vertexes: [], logs: [log('one', ' a line\nnext\n'), log('two', 'other\r\n')] },
    { vertexes: [vertex('one', { completedMs: at + 500 })], logs: [] },
    { vertexes: [vertex('two', { completedMs: at + 600, error: 'no way' })], logs: [] },
    { vertexes: [vertex('three', { completedMs: at, cached: true })], logs: [] },
  )
  assert.equal(
    text,
    [
      '#1 one\n\n#2 two\n\n#1 one\n#1 0.120 half a line\n#1 0.120 next\n\n#2 two\n#2 0.120 other\n',
      '#1 one\n#1 DONE 0.5s\n\n#2 two\n#2 ERROR: no way\n\n#3 three\n#3 CACHED\n\n',
    ].join('\n'),
  )
})

test('a character that is cut in two is put together, and a line without an end is not lost', () => {
  const view = new BuildView()
  const bytes = Buffer.from('é!')
  const text = plain(
    view,
    { vertexes: [vertex('one')], logs: [{ ...log('one', ''), bytes: bytes.subarray(0, 1) }] },
    { vertexes: [], logs: [{ ...log('one', ''), bytes: bytes.subarray(1) }] },
    { vertexes: [vertex('one', { completedMs: at + 120 })], logs: [] },
  )
  assert.match(text, /#1 0\.120 é!\n#1 DONE/)
})

test('tty: running steps show the end of their output, what does not fit is cut', () => {
  const view = new BuildView()
  view.apply({
    vertexes: [vertex('done', { completedMs: at + 1000 }), vertex('a long name '.repeat(9))],
    logs: [
      log('a long name '.repeat(9), Array.from({ length: 9 }, (_, line) => `\x1b[1mline ${line}\n`).join('')),
    ],
  })
  const size = { columns: 40, rows: 20, isFinal: false, seconds: 2 }
  const lines = frame(view.steps, size).map((line) => line.replace(/\x1b\[[0-9;]*m/g, ''))
  assert.equal(lines[0], '[+] Building 2.0s (1/2)')
  assert.match(lines[1] ?? '', /^ => done +1\.0s$/)
  assert.match(lines[2] ?? '', /^ => a long name a long.*\.\.\. +[\d.]+s$/)
  assert.deepEqual(
    lines.slice(3),
    [3, 4, 5, 6, 7, 8].map((line) => ` => => # line ${line}`),
  )
  assert.ok(lines.every((line) => line.length < size.columns))
  const small = frame(view.steps, { ...size, rows: 6 })
  assert.ok(small.length <= 5)
  assert.ok(!small.some((line) => line.includes('done')), 'the oldest step that is done leaves first')
  const final = frame(view.steps.slice(0, 1), { ...size, isFinal: true })
  assert.match(final[0] ?? '', /FINISHED$/)
})
