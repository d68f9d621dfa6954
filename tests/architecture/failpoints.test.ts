import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTest, read, sourceFiles } from './sources.ts'

test('docs/dev/failpoints.md names each failpoint of the sources, and no other', () => {
  const inSources = sourceFiles('src')
    .filter((file) => !isTest(file) && file !== 'src/base/failpoint.ts')
    .flatMap((file) =>
      [...read(file).matchAll(/\bfailpoint(?:Sync)?\(\s*'([^']+)'/g)].map(([, name]) => name!),
    )
  const inPage = [...read('docs/dev/failpoints.md').matchAll(/^\| `([\w.-]+)` \|/gm)].map(([, name]) => name!)
  assert.deepEqual(inPage.toSorted(), [...new Set(inSources)].toSorted())
})
