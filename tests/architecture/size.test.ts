import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basename } from 'node:path'
import { isTest, read, sourceFiles } from './sources.ts'

const capLines = 500
const capTestLines = 800
const bannedNames = ['utils', 'util', 'helpers', 'helper', 'manager', 'index', 'misc', 'common']

const files = sourceFiles('src', 'tests', 'bench', 'packaging')

function lines(file: string): number {
  return read(file).split('\n').length - 1
}

test('no file is longer than its cap', () => {
  const cap = (file: string): number => (isTest(file) || file.startsWith('tests/') ? capTestLines : capLines)
  const wrong = files.filter((file) => lines(file) > cap(file)).map((file) => `${file}: ${lines(file)} lines`)
  assert.deepEqual(wrong, [])
})

test('files are named in kebab-case, after what they hold', () => {
  const wrong = files.filter((file) => {
    const name = basename(file).replace(/(\.test|\.suite|\.worker|\.d)?\.ts$/, '')
    return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || bannedNames.includes(name)
  })
  assert.deepEqual(wrong, [])
})

test('no work is left marked in the sources', () => {
  const mark = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\\b`)
  assert.deepEqual(
    files.filter((file) => !file.includes('/architecture/') && mark.test(read(file))),
    [],
  )
})
