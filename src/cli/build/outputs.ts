import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import { unpackTree } from '../copy/unpack.ts'
import { FlagValueError } from '../core/flag.ts'
import type { Output } from '../core/output.ts'
import { fieldsOf } from './secrets.ts'
import type { SessionSink } from './session.ts'

/** What `--output`, `--push` and `--load` ask for. */
export interface AskedOutputs {
  /** As the API takes them; none is the image store. */
  readonly outputs: readonly { readonly Type: string; readonly Attrs: Readonly<Record<string, string>> }[]
  /** Who takes what the daemon sends, by the output's number. */
  readonly sinks: ReadonlyMap<string, SessionSink>
  /** Whether standard output is one of the destinations. */
  readonly usesStdout: boolean
}

const SENT: ReadonlySet<string> = new Set(['local', 'tar', 'oci', 'docker'])

/**
 * Reads `--output` as buildx does: `type=…,dest=…`, a directory, or `-` for a tar on standard output.
 * @throws FlagValueError
 */
export function parseOutputs(
  values: readonly string[],
  options: { readonly push: boolean; readonly load: boolean; readonly out: Output },
): AskedOutputs {
  const asked = values.map(parseOutput)
  const isImage = (fields: Map<string, string>): boolean => fields.get('type') === 'image'
  if (options.push && !asked.some(isImage)) asked.push(new Map([['type', 'image']]))
  if (options.push) for (const fields of asked) if (isImage(fields)) fields.set('push', 'true')
  if (options.load && !asked.some((fields) => fields.get('type') === 'docker' && !fields.has('dest')))
    asked.push(new Map([['type', 'docker']]))
  const sinks = new Map<string, SessionSink>()
  let usesStdout = false
  const outputs = asked.map((fields, index) => {
    const type = fields.get('type') as string
    const dest = fields.get('dest')
    if (SENT.has(type) && !(type === 'docker' && dest === undefined)) {
      const toStdout = dest === '-' || (dest === undefined && type !== 'local')
      usesStdout ||= toStdout
      sinks.set(String(index), sinkOf(fields, { toStdout, out: options.out }))
    }
    return { Type: type, Attrs: Object.fromEntries([...fields].filter(([name]) => name !== 'type')) }
  })
  return { outputs, sinks, usesStdout }
}

function parseOutput(value: string): Map<string, string> {
  if (!value.includes('=')) {
    const type = value === '-' ? 'tar' : 'local'
    return new Map([
      ['type', type],
      ['dest', value],
    ])
  }
  const fields = new Map(fieldsOf(value))
  if (!fields.has('type')) throw new FlagValueError('type is required for output')
  return fields
}

function sinkOf(
  fields: ReadonlyMap<string, string>,
  at: { readonly toStdout: boolean; readonly out: Output },
): SessionSink {
  const type = fields.get('type') as string
  const dest = fields.get('dest') ?? ''
  const isFolder = type === 'local' || fields.get('tar') === 'false'
  if (isFolder && (dest === '' || dest === '-'))
    throw new FlagValueError(`dest is required for ${type} exporter`)
  if (at.toStdout) {
    if (at.out.isTty)
      throw new FlagValueError(`dest file is required for ${type} exporter. refusing to write to console`)
    return async (bytes) => {
      for await (const chunk of bytes) at.out.write(chunk)
    }
  }
  if (!isFolder) {
    return async (bytes) => {
      mkdirSync(dirname(resolve(dest)), { recursive: true })
      await pipeline(Readable.from(bytes), createWriteStream(dest))
    }
  }
  return async (bytes, below) => {
    const folder = join(resolve(dest), below)
    mkdirSync(folder, { recursive: true })
    // As the user who asked, like buildx: owners of the image are of another machine.
    await unpackTree(bytes, { folder, owners: false })
  }
}
