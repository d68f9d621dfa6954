import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machineMissing, runInMachine } from './machine.ts'

const LIMIT_MS = 1_200_000

/** Each `passed:` and `FAILED:` line of the guest's script is a check of its own. */
test('cgroup v2 and the systemd driver, in a machine', { skip: await machineMissing() }, async (t) => {
  const { exitCode, console: text } = await runInMachine('cgroup2.ts', { limitMs: LIMIT_MS })
  const checks = [...text.matchAll(/^(passed|FAILED): (.*?)\r?$/gm)]
  for (const [, outcome, name = ''] of checks)
    await t.test(name, () => assert.equal(outcome, 'passed', 'see the console below'))
  assert.equal(exitCode, 0, text)
  assert.ok(checks.length > 10, text)
})
