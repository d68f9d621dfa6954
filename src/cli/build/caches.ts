import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { FlagValueError } from '../core/flag.ts'
import { unpackTree } from '../copy/unpack.ts'
import { layoutTar } from './oci-layout.ts'
import { fieldsOf } from './secrets.ts'
import type { SessionSink } from './session.ts'

/** What `--cache-from` and `--cache-to` ask for: values for the API, and what is done here. */
export interface AskedCaches {
  readonly from: readonly string[]
  readonly to: readonly string[]
  /** Tars of directories with a cache, by number. */
  readonly tars: ReadonlyMap<string, () => AsyncIterable<Uint8Array>>
  /** Who takes caches, by number. */
  readonly sinks: ReadonlyMap<string, SessionSink>
}

/** Reads the flags as buildx does: `type=local|registry|inline,…`, or names of images. @throws FlagValueError */
export function parseCaches(from: readonly string[], to: readonly string[]): AskedCaches {
  const tars = new Map<string, () => AsyncIterable<Uint8Array>>()
  const sinks = new Map<string, SessionSink>()
  const sources: string[] = []
  for (const value of from.flatMap((text) => (text.includes('=') ? [text] : text.split(',')))) {
    if (!value.includes('=')) {
      sources.push(`type=registry,ref=${value}`)
      continue
    }
    const fields = fieldsOf(value)
    if (fields.get('type') === 'local') {
      const path = required(fields, 'src')
      // A cache that is not there yet is none: the first build of a pipeline.
      if (!existsSync(join(path, 'index.json'))) continue
      tars.set(String(sources.length), layoutTar({ path, wanted: fields.get('tag') ?? null }))
    }
    sources.push(value)
  }
  to.forEach((value, index) => {
    const fields = value.includes('=') ? fieldsOf(value) : new Map([['type', value]])
    if (fields.get('type') !== 'local') return
    const folder = resolve(required(fields, 'dest'))
    sinks.set(String(index), async (bytes) => {
      mkdirSync(folder, { recursive: true })
      await unpackTree(bytes, { folder, owners: false })
    })
  })
  return { from: sources, to, tars, sinks }
}

function required(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name) ?? ''
  if (value === '') throw new FlagValueError(`${name} is required for the local cache`)
  return value
}
