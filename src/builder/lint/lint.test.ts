import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIgnore } from '#spec/docker/ignore-file.ts'
import { describeFindings, lintDockerfile } from './lint.ts'

const cases: readonly (readonly [file: string, findings: readonly string[]])[] = [
  ['FROM a\nCMD ["x"]\n', []],
  ['FROM a AS B', ['StageNameCasing']],
  ['FROM a as b', ['FromAsCasing']],
  ['FROM a\nRUN x \\\n\n  y', ['NoEmptyContinuation']],
  ['FROM a\nRUN x\nrun y', ['ConsistentInstructionCasing']],
  ['FROM a AS b\nFROM c AS b', ['DuplicateStageName']],
  ['FROM a AS scratch', ['ReservedStageName']],
  ['FROM a\nCMD x', ['JSONArgsRecommended']],
  ['FROM a\nSHELL ["/bin/sh"]\nCMD x', []],
  ['FROM a\nMAINTAINER me', ['MaintainerDeprecated']],
  ['FROM a:$v', ['UndefinedArgInFrom', 'InvalidDefaultArgInFrom']],
  ['ARG v=1\nFROM a:$v', []],
  ['ARG v\nFROM a:$v', ['InvalidDefaultArgInFrom']],
  ['ARG v=:\nFROM ${v}b', ['InvalidDefaultArgInFrom']],
  ['# check=experimental=all\n# no description\nFROM a AS b', ['InvalidDefinitionDescription']],
  ['# check=experimental=InvalidDefinitionDescription\n# b is a stage\nFROM a AS b', []],
  ['# check=experimental=CopyIgnoredFile\nFROM a\nCOPY x secret.txt /', ['CopyIgnoredFile']],
  ['FROM a\nCOPY secret.txt /', []],
  ['FROM scratch\nCOPY $x /', ['UndefinedVar']],
  ['FROM scratch\nARG x\nCOPY $x ${y:-d} /', []],
  ['FROM a\nWORKDIR b', ['WorkdirRelativePath']],
  ['FROM a\nWORKDIR /b\nWORKDIR c', []],
  ['FROM a\nCMD ["a"]\nCMD ["b"]', ['MultipleInstructionsDisallowed']],
  ['FROM a\nENV a b', ['LegacyKeyValueFormat']],
  ['FROM --platform=$TARGETPLATFORM a', ['RedundantTargetPlatform']],
  ['FROM --platform=linux/amd64 a', ['FromPlatformFlagConstDisallowed']],
  ['FROM a\nARG DB_PASSWORD', ['SecretsUsedInArgOrEnv']],
  ['FROM a\nENV PUBLIC_KEY=1', []],
  ['FROM a\nEXPOSE 80/TCP', ['ExposeProtoCasing']],
  ['FROM a\nEXPOSE 8080:80', ['ExposeInvalidFormat']],
  ['# check=skip=JSONArgsRecommended\nFROM a\nCMD x', []],
]
for (const [file, expected] of cases) {
  test(`lintDockerfile() of ${JSON.stringify(file)}`, () => {
    assert.deepEqual(
      lintDockerfile(file, parseIgnore('*.txt')).findings.map(({ rule }) => rule),
      expected,
    )
  })
}

test('describeFindings() shows the line among its neighbours', () => {
  const file = 'FROM a\nCMD x\n'
  assert.equal(
    describeFindings(lintDockerfile(file), file, 'Dockerfile'),
    `Check complete, 1 warning has been found!

WARNING: JSONArgsRecommended
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:2
--------------------
   1 |     FROM a
   2 | >>> CMD x
   3 |${' '.repeat(5)}
--------------------
`,
  )
})
