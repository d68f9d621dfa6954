import assert from 'node:assert/strict'
import { existsSync, globSync } from 'node:fs'
import { test } from 'node:test'
import { dirname, join } from 'node:path'
import { projectRoot, read } from './sources.ts'

const pages = globSync('{*.md,docs/**/*.md}', { cwd: projectRoot }).sort()

test('each relative link in a page leads to a file', () => {
  const wrong = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, link]) => link!)
      .filter((link) => !existsSync(join(projectRoot, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  )
  assert.deepEqual(wrong, [])
})

test('each file of the project that a page names in backquotes is there', () => {
  const named = /`((?:src|tests|bench|packaging|bin|docs)\/[\w./-]*\w)`/g
  const wrong = pages
    .filter((page) => !page.startsWith('docs/decisions/'))
    .flatMap((page) =>
      [...read(page).matchAll(named)]
        .map(([, path]) => path!)
        .filter((path) => !existsSync(join(projectRoot, path)))
        .map((path) => `${page}: ${path}`),
    )
  assert.deepEqual(wrong, [])
})

test('each decision is numbered once and says its context', () => {
  const decisions = globSync('docs/decisions/*.md', { cwd: projectRoot }).map((path) =>
    path.replace('docs/decisions/', ''),
  )
  const numbers = decisions.map((name) => name.slice(0, 4))
  assert.deepEqual(
    decisions.filter((name) => !/^\d{4}-[a-z0-9-]+\.md$/.test(name)),
    [],
  )
  assert.equal(new Set(numbers).size, numbers.length)
})
