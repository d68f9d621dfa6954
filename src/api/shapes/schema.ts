import { InvalidArgumentError } from '#errors/errors.ts'

/**
 * The form of a JSON body. Bodies are read as Go's decoder reads them, which clients rely on: field names in any
 * case, unknown fields ignored, null the same as absent, any other kind of value refused.
 */
export type Schema =
  | 'string'
  | 'boolean'
  /** A whole number. */
  | 'integer'
  | 'any'
  /** One string or a list of them (`Cmd`, `Entrypoint`). */
  | 'words'
  | { readonly list: Schema }
  | { readonly map: Schema }
  | { readonly object: Readonly<Record<string, Schema>> }

export const strings: Schema = { list: 'string' }
export const stringMap: Schema = { map: 'string' }

/** An object with fields of the same kind: `fields('string', 'Name', 'Driver')`. */
export function fields(schema: Schema, ...names: readonly string[]): Record<string, Schema> {
  return Object.fromEntries(names.map((name) => [name, schema]))
}

/**
 * Reads a body. What comes back has only the fields of the schema, by their right names and of the right kind.
 * @throws InvalidArgumentError naming the field whose value is of another kind.
 */
export function decode<T>(schema: Schema, value: unknown, path = ''): T {
  return decodeAny(schema, value, path) as T
}

function decodeAny(schema: Schema, value: unknown, path: string): unknown {
  if (value === null || value === undefined || schema === 'any') return value
  if (typeof schema === 'string') return decodeScalar(schema, value, path)
  if ('list' in schema) {
    if (!Array.isArray(value)) throw wrongKind(value, path, 'list')
    return value.map((item) => decodeAny(schema.list, item, path) ?? zeroOf(schema.list))
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw wrongKind(value, path, 'object')
  if ('map' in schema) {
    const entries = Object.entries(value).map(([key, item]): [string, unknown] => [
      key,
      decodeAny(schema.map, item, path) ?? zeroOf(schema.map),
    ])
    return Object.fromEntries(entries)
  }
  return decodeObject(schema.object, value, path)
}

function decodeScalar(
  schema: 'string' | 'boolean' | 'integer' | 'words',
  value: unknown,
  path: string,
): unknown {
  switch (schema) {
    case 'string':
    case 'boolean':
      if (typeof value !== schema) throw wrongKind(value, path, schema)
      return value
    case 'integer':
      if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongKind(value, path, 'integer')
      return value
    case 'words':
      if (typeof value === 'string') return [value]
      return decodeAny(strings, value, path)
  }
}

function decodeObject(
  shape: Readonly<Record<string, Schema>>,
  value: object,
  path: string,
): Record<string, unknown> {
  const names = lowerNames(shape)
  const decoded: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    const name = Object.hasOwn(shape, key) ? key : names.get(key.toLowerCase())
    if (name === undefined) continue
    const field = decodeAny(shape[name] as Schema, item, path === '' ? name : `${path}.${name}`)
    if (field !== null && field !== undefined) decoded[name] = field
  }
  return decoded
}

const lowerCache = new WeakMap<object, ReadonlyMap<string, string>>()

function lowerNames(shape: object): ReadonlyMap<string, string> {
  let names = lowerCache.get(shape)
  if (names === undefined) {
    names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]))
    lowerCache.set(shape, names)
  }
  return names
}

/** What Go makes of null inside a list or a map. Nested objects, lists and maps stay null. */
function zeroOf(schema: Schema): unknown {
  if (schema === 'string') return ''
  if (schema === 'boolean') return false
  if (schema === 'integer') return 0
  return null
}

function wrongKind(value: unknown, path: string, wanted: string): InvalidArgumentError {
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  const shown = kind === 'number' ? `number ${String(value)}` : kind
  const where = path === '' ? 'value' : `struct field ${path}`
  return new InvalidArgumentError(
    `invalid JSON: json: cannot unmarshal ${shown} into Go ${where} of type ${wanted}`,
  )
}
