import assert from 'node:assert/strict'
import { test } from 'node:test'
import { areaOf, importsOf, isTest, read, sourceFiles, staticImportsOf } from './sources.ts'

/** The picture of the house: an area may import those of the levels below its own; `client` and `cli` stand beside it. */
const levels: readonly (readonly string[])[] = [
  ['base', 'errors', 'spec'],
  ['kernel'],
  ['store', 'events', 'plugins'],
  ['images', 'registry', 'network', 'volumes'],
  ['runtime'],
  ['containers', 'builder'],
  ['api', 'cri'],
  ['daemon'],
]
const beside: Readonly<Record<string, readonly string[]>> = {
  client: ['base', 'errors', 'spec'],
  cli: ['base', 'errors', 'spec', 'client'],
}

function allowed(area: string): readonly string[] {
  if (beside[area] !== undefined) return beside[area]
  const level = levels.findIndex((areas) => areas.includes(area))
  const below = levels.slice(0, level).flat()
  // What has no I/O and no domain may be used among itself: errors by base, ids by spec.
  return level === 0 ? levels[0]! : below
}

const files = sourceFiles('src')

test('each folder of src is an area of the table', () => {
  const known = new Set([...levels.flat(), ...Object.keys(beside)])
  assert.deepEqual(
    [...new Set(files.map(areaOf))].filter((area) => area === null || !known.has(area)),
    [],
  )
})

test('an area imports another only downwards', () => {
  const wrong = files.flatMap((file) => {
    const area = areaOf(file)!
    return importsOf(file)
      .filter(
        ({ file: to }) =>
          to !== null && areaOf(to) !== area && !allowed(area).includes(areaOf(to) ?? 'outside src'),
      )
      .map(({ specifier }) => `${file} imports ${specifier}`)
  })
  assert.deepEqual(wrong, [])
})

test('areas are named with #, files of the same area relatively', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter(
        ({ specifier, file: to }) =>
          to !== null && specifier.startsWith('#') === (areaOf(to) === areaOf(file)),
      )
      .map(({ specifier }) => `${file} imports ${specifier}`),
  )
  assert.deepEqual(wrong, [])
})

test('no file imports itself through others', () => {
  const graph = new Map(
    files.map((file) => [file, staticImportsOf(file).flatMap(({ file: to }) => to ?? [])]),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file) || path.includes(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  assert.deepEqual(cycles, [])
})

test('only the kernel, the runtime and the CLI start processes', () => {
  const free = ['kernel', 'runtime', 'cli']
  assert.deepEqual(
    using('node:child_process').filter((file) => !free.includes(areaOf(file)!)),
    [],
  )
})

test('native code is loaded in one file', () => {
  assert.deepEqual(using('koffi'), ['src/kernel/native/native.ts'])
})

test('the environment is read in the two config files', () => {
  const free = ['src/daemon/config.ts', 'src/cli/config.ts']
  const wrong = files.filter(
    (file) => !isTest(file) && !free.includes(file) && /\bprocess\.env\b/.test(read(file)),
  )
  assert.deepEqual(wrong, [])
})

function using(module: string): readonly string[] {
  return files.filter(
    (file) => !isTest(file) && importsOf(file).some(({ specifier }) => specifier === module),
  )
}
