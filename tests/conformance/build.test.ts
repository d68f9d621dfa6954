/**
 * Each folder of testdata/builds shows one rule of the Dockerfile's language. dockerd's builder and ours make an image of it; files
 * (but not their times) and configurations must be equal. Where a folder has a file `expected`, which is for what dockerd's classic builder does not
 * know, ours alone is compared with it. Beside the context a folder may have `args` for the command line, one a line, and `prepare`, a
 * shell script that makes in the context what git does not keep.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { after, before, describe, test } from 'node:test'
import { assertSameText } from '../support/assert-same-text.ts'
import { run, type CliResult, type Engine } from '../support/engine.ts'
import { make } from '../support/peers.ts'
import { ReferenceDockerd } from '../support/reference.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { Wharfd } from '../support/wharfd.ts'
import { readSavedImages, type SavedImage } from './image-tree.ts'

interface Case {
  readonly name: string
  readonly context: string
  readonly args: readonly string[]
  /** Null: what dockerd makes of it. */
  readonly expected: string | null
}

interface Built {
  readonly results: ReadonlyMap<string, CliResult>
  readonly images: ReadonlyMap<string, SavedImage>
}

const COMPARED = [
  ...['Env', 'Cmd', 'Entrypoint', 'Labels', 'User', 'WorkingDir', 'Volumes', 'ExposedPorts', 'StopSignal'],
  ...['Healthcheck', 'OnBuild', 'Shell'],
]
const folder = fileURLToPath(new URL('testdata/builds', import.meta.url))
const names = readdirSync(folder).toSorted()

/** Modes are made those of a umask of 022, whatever the checkout had. */
async function prepare(name: string): Promise<Case> {
  const context = `${scratchDirectory('golden')}/${name}`
  mkdirSync(context)
  cpSync(`${folder}/${name}`, context, { recursive: true, verbatimSymlinks: true })
  const taken = (file: string): string | null => {
    const path = `${context}/${file}`
    if (!existsSync(path)) return null
    const text = readFileSync(path, 'utf8')
    rmSync(path)
    return text
  }
  const script = `set -eu; umask 022; chmod -R u=rwX,go=rX .\n${taken('prepare') ?? ''}`
  const args = (taken('args') ?? '').split('\n').filter((line) => line !== '')
  const prepared = { name, context, args, expected: taken('expected') }
  const { exitCode, stderr } = await run(['sh', '-c', script], { cwd: context })
  assert.equal(exitCode, 0, `${name}/prepare: ${stderr}`)
  return prepared
}

async function buildAll(engine: Engine, cases: readonly Case[]): Promise<Built> {
  const results = new Map<string, CliResult>()
  for (const { name, context, args } of cases) {
    const options = { env: { DOCKER_BUILDKIT: '0' }, cwd: context }
    results.set(name, await engine.docker('build', '-t', `golden:${name}`, ...args, '.', options))
  }
  const made = [...results].filter(([, { exitCode }]) => exitCode === 0)
  const archive = `${scratchDirectory('saved')}/images.tar`
  await engine.ok('save', '-o', archive, ...made.map(([name]) => `golden:${name}`))
  const images = readSavedImages(archive)
  rmSync(archive)
  return { results, images }
}

/** An image as text; what an empty field is written as says nothing. */
function textOf({ results, images }: Built, name: string): string {
  const { exitCode, stdout, stderr } = results.get(name)!
  assert.equal(exitCode, 0, stdout + stderr)
  const { config, tree } = images.get(`golden:${name}`)!
  const fields = COMPARED.flatMap((field) => {
    const value = config[field]
    const text = JSON.stringify(sorted(value)) ?? ''
    return ['', 'null', '""', '{}'].includes(text) ? [] : [`${field} ${text}`]
  })
  return `${[...fields, ...tree.filter((line) => !isOfBusybox(line))].join('\n')}\n`
}

/** An object with its keys in order: the order of a map says nothing. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** What every image of busybox has would only make an `expected` long; where it is gone, one applet tells. */
function isOfBusybox(line: string): boolean {
  return /^\/bin\/(?!vi )\S+ symlink 0:0 -> busybox$/.test(line)
}

const { missing } = await make('sid')
describe('golden builds', () => {
  let reference: ReferenceDockerd | null = null
  let ours: Wharfd | null = null
  let expected: Built
  let seen: Built
  before(async () => {
    const cases = await Promise.all(names.map(prepare))
    ;[reference, ours] = await Promise.all([ReferenceDockerd.start(), Wharfd.startWithBusybox()])
    const known = cases.filter((one) => one.expected === null)
    const none: Built = { results: new Map(), images: new Map() }
    ;[expected, seen] = await Promise.all([
      reference === null ? none : buildAll(reference, known),
      buildAll(ours, cases),
    ])
  })
  after(async () => {
    await reference?.stop()
    await ours?.stop()
  })
  for (const name of names) {
    const file = `${folder}/${name}/expected`
    const isAlone = existsSync(file)
    test(name, { skip: isAlone ? false : missing }, () => {
      const text = textOf(seen, name)
      if (process.env.WHARF_GOLDEN_WRITE !== undefined && isAlone) writeFileSync(file, text)
      assertSameText(text, isAlone ? readFileSync(file, 'utf8') : textOf(expected, name))
    })
  }
})
