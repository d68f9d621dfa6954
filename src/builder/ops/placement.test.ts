import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BaseView, emptyView } from './base-view.ts'
import type { CopyRequest } from './copy-request.ts'
import { applyMode } from './file-mode.ts'
import { inlineSource, type SelectedSource } from './file-selection.ts'
import { directory, placeSources } from './placement.ts'

const request = (destination: string, extra: Partial<CopyRequest> = {}): CopyRequest => ({
  keyword: 'COPY',
  sources: [],
  inline: [],
  destination,
  chown: null,
  chmod: null,
  excludes: [],
  parents: false,
  link: false,
  checksum: null,
  unpack: null,
  keepGitDir: false,
  ...extra,
})
const tree: SelectedSource = {
  baseName: 'src',
  relativePath: 'x/src',
  isDirectory: true,
  isUnpacked: false,
  files: [
    directory(null, 0),
    { ...directory(null, 0), name: 'a' },
    { ...inlineSource('f', 'hi').files[0]!, name: 'a/f' },
  ],
}
const file = inlineSource('f', 'hi')
const withBin: BaseView = {
  kind: (path) => (['/', '/usr', '/usr/bin', '/bin'].includes(path) ? 'directory' : null),
  directory: () => null,
  real: (path) => path.replace(/^\/bin/, '/usr/bin'),
}

const cases: readonly [string, CopyRequest, readonly SelectedSource[], BaseView, readonly string[]][] = [
  ['a file becomes the destination', request('/etc/x'), [file], emptyView, ['/etc', '/etc/x']],
  ['a file goes into a directory', request('/d/'), [file], emptyView, ['/d', '/d/f']],
  ['a file goes into a directory that is there', request('/usr'), [file], withBin, ['/usr/f']],
  [
    "a directory's content goes into the destination",
    request('/d'),
    [tree],
    emptyView,
    ['/d', '/d/a', '/d/a/f'],
  ],
  ['links of the base are followed', request('/bin/'), [file], withBin, ['/usr/bin/f']],
  ['a relative destination starts at the working directory', request('y'), [file], emptyView, ['/w', '/w/y']],
  [
    'parents are kept',
    request('/d/', { parents: true }),
    [tree],
    emptyView,
    ['/d', '/d/x', '/d/x/src', '/d/x/src/a', '/d/x/src/a/f'],
  ],
]
for (const [title, wanted, sources, base, expected] of cases) {
  test(`placeSources(): ${title}`, () => {
    const placed = placeSources(wanted, sources, { base, workdir: '/w', owner: null, now: 0 })
    assert.deepEqual(
      placed.map((entry) => entry.target),
      expected,
    )
  })
}

test('placeSources() refuses several sources for one file', () => {
  assert.throws(
    () => placeSources(request('/x'), [file, file], { base: emptyView, workdir: '/', owner: null, now: 0 }),
    /the destination must be a directory and end with a \//,
  )
})

test('applyMode() reads octal and symbolic modes', () => {
  assert.equal(applyMode(0o644, '755', false), 0o755)
  assert.equal(applyMode(0o644, 'u=rwX,go=rX', true), 0o755)
  assert.equal(applyMode(0o755, 'go-rwx', false), 0o700)
  assert.equal(applyMode(0o600, '+x', false), 0o711)
  assert.throws(() => applyMode(0, 'z', false), /invalid chmod parameter/)
})
