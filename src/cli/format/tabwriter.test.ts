import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alignColumns } from './tabwriter.ts'

test('alignColumns() pads cells to the widest of their column, and to ten at least', () => {
  assert.equal(
    alignColumns('A\tB\tC\n1\tlonger than ten\tx\n'),
    'A         B                 C\n1         longer than ten   x\n',
  )
})

test('a column ends where a line has no cell: the next block has widths of its own', () => {
  assert.equal(
    alignColumns('a very long cell\tx\nnothing\nb\ty\n'),
    'a very long cell   x\nnothing\nb         y\n',
  )
})

test('characters count, not bytes', () => {
  assert.equal(alignColumns(`${'…'.repeat(9)}\tx\n`), `${'…'.repeat(9)}   x\n`)
})
