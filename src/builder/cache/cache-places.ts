import { InvalidArgumentError } from '#errors/errors.ts'
import { parseReference } from '#spec/reference.ts'

/** Where a build takes cache from (`--cache-from`). */
export type CacheSource =
  /** An image: of the store, or of its registry when `pull` says so. */
  | { readonly kind: 'image'; readonly name: string; readonly pull: boolean }
  /** A directory of the client, which sends it under this name. */
  | { readonly kind: 'client'; readonly name: string }

/** Where a build leaves its cache (`--cache-to`). */
export interface CacheTarget {
  readonly kind: 'inline' | 'registry' | 'client'
  /** The image to push it as, or the name under which the client takes it. */
  readonly name: string
  /** All steps, not only those of the result. */
  readonly isMax: boolean
  /** The directories of cache mounts too. */
  readonly mounts: boolean
  /** A failure is told and does not fail the build. */
  readonly ignoreError: boolean
}

/**
 * Reads `--cache-from`: the name of an image, which must be here, or `type=registry,ref=…`, `type=local,src=…`.
 * @throws InvalidArgumentError
 */
export function parseCacheSources(values: readonly string[]): readonly CacheSource[] {
  return values.map((value, index) => {
    if (!value.includes('=')) return { kind: 'image', name: checkedName(value), pull: false }
    const fields = fieldsOf(value)
    const type = fields.get('type')
    if (type === 'local') return { kind: 'client', name: String(index) }
    if (type === 'registry') return { kind: 'image', name: checkedName(fields.get('ref') ?? ''), pull: true }
    throw new InvalidArgumentError(`unknown cache importer: ${JSON.stringify(type ?? '')}`)
  })
}

/** Reads `--cache-to`. @throws InvalidArgumentError */
export function parseCacheTargets(values: readonly string[]): readonly CacheTarget[] {
  return values.map((value, index) => {
    const fields = value.includes('=') ? fieldsOf(value) : new Map([['type', value]])
    const mode = fields.get('mode') ?? 'min'
    if (mode !== 'min' && mode !== 'max') throw new InvalidArgumentError(`invalid cache mode: ${mode}`)
    const shared = {
      isMax: mode === 'max',
      mounts: fields.get('mounts') === 'true',
      ignoreError: fields.get('ignore-error') === 'true',
    }
    const type = fields.get('type')
    if (type === 'inline') return { ...shared, kind: 'inline', name: '', isMax: false, mounts: false }
    if (type === 'local') return { ...shared, kind: 'client', name: String(index) }
    if (type === 'registry')
      return { ...shared, kind: 'registry', name: checkedName(fields.get('ref') ?? '') }
    throw new InvalidArgumentError(`unknown cache exporter: ${JSON.stringify(type ?? '')}`)
  })
}

function fieldsOf(value: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const part of value.split(',')) {
    const equals = part.indexOf('=')
    if (equals < 1) throw new InvalidArgumentError(`invalid field '${part}' must be a key=value pair`)
    fields.set(part.slice(0, equals).trim().toLowerCase(), part.slice(equals + 1))
  }
  return fields
}

function checkedName(name: string): string {
  if (name === '') throw new InvalidArgumentError('ref required for registry cache')
  parseReference(name)
  return name
}
