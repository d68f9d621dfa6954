import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SealedProgram } from './sealed-program.ts'

test('SealedProgram runs as its file does, follows its file, and cannot be written to', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealed-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'program')
  copyFileSync('/bin/echo', file)
  const program = new SealedProgram(file)
  assert.match(program.path(), /^\/proc\/\d+\/fd\/\d+$/)
  assert.equal(execFileSync(program.path(), ['hello'], { encoding: 'utf8' }), 'hello\n')
  assert.throws(() => writeFileSync(openSync(program.path(), 'r+'), 'x'), { code: 'EPERM' })
  copyFileSync('/bin/true', file)
  assert.equal(execFileSync(program.path(), ['hello'], { encoding: 'utf8' }), '')
  assert.deepEqual(readFileSync(program.path()), readFileSync('/bin/true'))
})

test('SealedProgram gives the path of a file that it cannot copy', () => {
  assert.equal(new SealedProgram('/no/such/program').path(), '/no/such/program')
})
