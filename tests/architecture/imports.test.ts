import assert from 'node:assert/strict'
import { test } from 'node:test'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isBuiltin } from 'node:module'
import { importsOf, isTest, projectRoot, read, sourceFiles } from './sources.ts'

const packages = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>

test('each import names a file that is there', () => {
  const wrong = sourceFiles('src', 'tests', 'bench', 'packaging').flatMap((file) =>
    importsOf(file)
      .filter(({ file: to }) => to !== null && !existsSync(join(projectRoot, to)))
      .map(({ specifier }) => `${file} imports ${specifier}`),
  )
  assert.deepEqual(wrong, [])
})

test('what users run imports only packages of "dependencies"', () => {
  const wrong = sourceFiles('src').flatMap((file) =>
    importsOf(file)
      .filter(({ specifier, file: to }) => to === null && !isBuiltin(specifier))
      .filter(({ specifier }) => {
        const name = specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
        return (
          packages.dependencies[name] === undefined &&
          !(isTest(file) && packages.devDependencies[name] !== undefined)
        )
      })
      .map(({ specifier }) => `${file} imports ${specifier}`),
  )
  assert.deepEqual(wrong, [])
})
