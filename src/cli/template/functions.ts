import { writeJson } from '../format/json.ts'
import { goPrint, goPrintf, goType } from './go-print.ts'
import { Row } from './row.ts'

/** A function of the template language. `and` and `or` are the evaluator's own: they stop early. */
export type TemplateFunction = (...args: unknown[]) => unknown

/** Whether Go's templates take a value for true: it is not empty. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined) return false
  if (typeof value === 'object') return value instanceof Row || Object.keys(value).length > 0
  return Boolean(value)
}

function compare(a: unknown, b: unknown): number {
  const basic = (value: unknown) => ['string', 'number', 'bigint'].includes(typeof value)
  if (!basic(a) || !basic(b)) throw new Error('invalid type for comparison')
  if ((typeof a === 'string') !== (typeof b === 'string'))
    throw new Error('incompatible types for comparison')
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0
}

function equal(a: unknown, b: unknown): boolean {
  if (a === null || a === undefined || b === null || b === undefined) return (a ?? null) === (b ?? null)
  if (typeof a === 'object' || typeof b === 'object') {
    if (typeof a !== typeof b) throw new Error('incompatible types for comparison')
    throw new Error(`non-comparable type ${goPrint(a)}: ${goType(a)}`)
  }
  const numeric = (value: unknown) => typeof value === 'number' || typeof value === 'bigint'
  if (numeric(a) && numeric(b)) return a == b
  if (typeof a !== typeof b) throw new Error('incompatible types for comparison')
  return a === b
}

function index(item: unknown, ...keys: unknown[]): unknown {
  let value = item
  for (const key of keys) {
    if (value === null || value === undefined) throw new Error('index of untyped nil')
    if (Array.isArray(value) || typeof value === 'string') {
      if (typeof key !== 'number') throw new Error(`cannot index slice/array with type ${goType(key)}`)
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      if (key < 0 || key >= bytes.length) throw new Error(`index out of range: ${key}`)
      value = (bytes as readonly unknown[])[key]
    } else if (typeof value === 'object' && !(value instanceof Row)) {
      if (typeof key !== 'string') throw new Error(`value has type ${goType(key)}; should be string`)
      value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : null
    } else throw new Error(`can't index item of type ${goType(value)}`)
  }
  return value
}

function slice(item: unknown, ...bounds: unknown[]): unknown {
  if (typeof item !== 'string' && !Array.isArray(item))
    throw new Error(`can't slice item of type ${goType(item)}`)
  if (bounds.length > 3) throw new Error(`too many slice indexes: ${bounds.length}`)
  const whole = typeof item === 'string' ? Buffer.from(item) : item
  const [from = 0, to = whole.length] = bounds as number[]
  for (const bound of [from, to])
    if (bound < 0 || bound > whole.length) throw new Error(`index out of range: ${bound}`)
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`)
  return typeof item === 'string' ? (whole as Buffer).subarray(from, to).toString() : item.slice(from, to)
}

function lengthOf(item: unknown): number {
  if (typeof item === 'string') return Buffer.byteLength(item)
  if (Array.isArray(item)) return item.length
  if (item === null || item === undefined) throw new Error('len of nil pointer')
  if (typeof item === 'object' && !(item instanceof Row)) return Object.keys(item).length
  throw new Error(`len of type ${goType(item)}`)
}

/** Go's fmt.Sprint: blanks between operands that are not strings. */
function sprint(values: readonly unknown[]): string {
  let out = ''
  values.forEach((value, at) => {
    if (at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string') out += ' '
    out += goPrint(value)
  })
  return out
}

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) throw new Error(`invalid value; expected string`)
  throw new Error(`wrong type for value; expected string; got ${goType(value)} in ${name}`)
}

/** Docker's and Go's functions, by name. */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  and: (...args) => args.find((value) => !isTrue(value)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
  not: (value) => !isTrue(value),
  len: lengthOf,
  index,
  slice,
  print: (...args) => sprint(args),
  println: (...args) => `${args.map((value) => goPrint(value)).join(' ')}\n`,
  printf: (format, ...args) => goPrintf(text(format, 'printf'), args),
  html: (...args) => sprint(args).replace(/[<>&'"]/g, (char) => `&#${char.charCodeAt(0)};`),
  js: (...args) => JSON.stringify(sprint(args)).slice(1, -1).replaceAll("'", "\\'"),
  urlquery: (...args) => encodeURIComponent(sprint(args)).replaceAll('%20', '+'),
  call: () => {
    throw new Error('non-function of type string')
  },
  eq: (first, ...others) => {
    if (others.length === 0) throw new Error('missing argument for comparison')
    return others.some((other) => equal(first, other))
  },
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  json: (value) => writeJson(value),
  split: (value, separator) => text(value, 'split').split(text(separator, 'split')),
  join: (value, separator) => {
    if (value === null || value === undefined) return ''
    if (!Array.isArray(value))
      throw new Error(`wrong type for value; expected []string; got ${goType(value)}`)
    return value.map((item) => goPrint(item)).join(text(separator, 'join'))
  },
  title: (value) =>
    text(value, 'title').replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_all, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  lower: (value) => text(value, 'lower').toLowerCase(),
  upper: (value) => text(value, 'upper').toUpperCase(),
  pad: (value, before, after) =>
    value === '' ? '' : ' '.repeat(Number(before)) + text(value, 'pad') + ' '.repeat(Number(after)),
  truncate: (value, length) => text(value, 'truncate').slice(0, Number(length)),
}

/** For the header of a table: the functions leave the column's name as it is. */
export const headerFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...functions,
  json: (value) => value,
  split: (value) => value,
  join: (value) => value,
  title: (value) => value,
  lower: (value) => value,
  upper: (value) => value,
  truncate: (value) => value,
}
