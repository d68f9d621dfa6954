import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIgnore } from './ignore-file.ts'

const cases: readonly {
  readonly patterns: string
  readonly out: readonly string[]
  readonly kept: readonly string[]
}[] = [
  { patterns: 'foo', out: ['foo', 'foo/a', 'foo/a/b'], kept: ['foobar', 'a/foo'] },
  { patterns: '/foo/', out: ['foo', 'foo/a'], kept: ['a/foo'] },
  { patterns: '*.md\n!README.md', out: ['a.md'], kept: ['README.md', 'dir/a.md'] },
  { patterns: '**/*.log', out: ['a.log', 'x/y/b.log'], kept: ['a.txt'] },
  { patterns: '**\n!src\n!src/**', out: ['a', 'b/c'], kept: ['src', 'src/x', 'src/x/y'] },
  { patterns: 'dir/**/x', out: ['dir/x', 'dir/a/x', 'dir/a/b/x'], kept: ['x', 'dir/y'] },
  { patterns: 'a?c', out: ['abc'], kept: ['ac', 'a/c'] },
  { patterns: '[a-c].txt', out: ['a.txt', 'c.txt'], kept: ['d.txt'] },
  { patterns: '# note\n\n  ./x  \n', out: ['x'], kept: ['# note', 'y'] },
  {
    patterns: 'node_modules\n!node_modules/keep',
    out: ['node_modules/a'],
    kept: ['node_modules/keep', 'node_modules/keep/b'],
  },
  { patterns: 'a\\*b', out: ['a*b'], kept: ['axb'] },
  { patterns: '.git', out: ['.git', '.git/HEAD'], kept: ['.github', '.gitignore'] },
]

for (const { patterns, out, kept } of cases) {
  test(`.dockerignore ${JSON.stringify(patterns)}`, () => {
    const ignore = parseIgnore(patterns)
    for (const path of out) assert.equal(ignore.excludes(path), true, `${path} is left out`)
    for (const path of kept) assert.equal(ignore.excludes(path), false, `${path} is kept`)
  })
}

test('mayInclude() leads into a folder for an exception below it, and only then', () => {
  const ignore = parseIgnore('*\n!src/app/main.ts')
  assert.equal(ignore.mayInclude('src'), true)
  assert.equal(ignore.mayInclude('src/app'), true)
  assert.equal(ignore.mayInclude('docs'), false)
})
