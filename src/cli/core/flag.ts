/** A flag that a command takes, after Go's pflag: how it is shown, read and what it is without being given. */
export interface Flag<Value> {
  /** The kind as the help shows it; '' for a switch. */
  readonly kind: string
  readonly short: string | null
  readonly help: string
  readonly initial: Value
  /** What the help calls the default, when it is worth saying. */
  readonly defaultText: string | null
  /** The value meant by the bare flag, without `=value`; null when a value is needed. */
  readonly bare: string | null
  readonly hidden: boolean
  /** Reads one occurrence on top of the value so far. @throws FlagValueError. */
  parse(text: string, before: Value): Value
}

/** Flags by name. */
export type Flags = Readonly<Record<string, Flag<unknown>>>

/** The values of flags. */
export type FlagValues<F> = { readonly [Name in keyof F]: F[Name] extends Flag<infer Value> ? Value : never }

/** A flag's value cannot be read; the message is the reason only. */
export class FlagValueError extends Error {}

/** How flags may be shown. */
export interface FlagOptions {
  readonly short?: string
  readonly hidden?: boolean
  readonly defaultText?: string
  readonly kind?: string
}

function define<Value>(
  base: Pick<Flag<Value>, 'kind' | 'help' | 'initial' | 'parse'> & { bare?: string },
  options: FlagOptions,
): Flag<Value> {
  return {
    kind: options.kind ?? base.kind,
    help: base.help,
    initial: base.initial,
    parse: base.parse,
    bare: base.bare ?? null,
    short: options.short ?? null,
    hidden: options.hidden ?? false,
    defaultText: options.defaultText ?? null,
  }
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
])

/** A switch. */
export function bool(help: string, options: FlagOptions & { initial?: boolean } = {}): Flag<boolean> {
  const initial = options.initial ?? false
  const parse = (text: string): boolean => {
    const value = booleans.get(text)
    if (value === undefined)
      throw new FlagValueError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
    return value
  }
  return define(
    { kind: '', help, initial, parse, bare: 'true' },
    { ...(initial ? { defaultText: 'true' } : {}), ...options },
  )
}

/** One text; the last wins. */
export function string(help: string, options: FlagOptions & { initial?: string } = {}): Flag<string> {
  const initial = options.initial ?? ''
  return define(
    { kind: 'string', help, initial, parse: (text) => text },
    { ...(initial === '' ? {} : { defaultText: JSON.stringify(initial) }), ...options },
  )
}

/** A whole number; null when it was not given. */
export function int(
  help: string,
  options: FlagOptions & { initial?: number; unsigned?: boolean } = {},
): Flag<number | null> {
  const parse = (text: string): number => {
    const name = options.unsigned === true ? 'ParseUint' : 'ParseInt'
    const valid = options.unsigned === true ? /^\+?\d+$/ : /^[+-]?\d+$/
    const value = /^[+-]?0x[0-9a-f]+$/i.test(text)
      ? Number(text)
      : valid.test(text)
        ? Number.parseInt(text, 10)
        : Number.NaN
    if (Number.isNaN(value))
      throw new FlagValueError(`strconv.${name}: parsing ${JSON.stringify(text)}: invalid syntax`)
    if (!Number.isSafeInteger(value))
      throw new FlagValueError(`strconv.${name}: parsing ${JSON.stringify(text)}: value out of range`)
    return value
  }
  return define<number | null>(
    { kind: options.unsigned === true ? 'uint' : 'int', help, initial: options.initial ?? null, parse },
    options,
  )
}

/** Texts in the order given; `check` may change or refuse each. */
export function list(
  help: string,
  options: FlagOptions & { check?: (text: string) => string } = {},
): Flag<readonly string[]> {
  const check = options.check ?? ((text: string) => text)
  return define<readonly string[]>(
    { kind: 'list', help, initial: [], parse: (text, before) => [...before, check(text)] },
    options,
  )
}

/** Texts, several in one value when separated by commas. */
export function strings(help: string, options: FlagOptions = {}): Flag<readonly string[]> {
  return define<readonly string[]>(
    { kind: 'strings', help, initial: [], parse: (text, before) => [...before, ...text.split(',')] },
    options,
  )
}

/** `key=value` pairs. */
export function map(help: string, options: FlagOptions = {}): Flag<Readonly<Record<string, string>>> {
  const parse = (text: string, before: Readonly<Record<string, string>>) => {
    const equals = text.indexOf('=')
    return {
      ...before,
      [equals < 0 ? text : text.slice(0, equals)]: equals < 0 ? '' : text.slice(equals + 1),
    }
  }
  return define<Readonly<Record<string, string>>>(
    { kind: 'map', help, initial: {}, parse },
    { defaultText: 'map[]', ...options },
  )
}

/** A flag read by a function of its own; null when it was not given. */
export function custom<Value>(
  kind: string,
  options: FlagOptions & { help: string; parse: (text: string, before: Value | null) => Value },
): Flag<Value | null> {
  return define<Value | null>({ kind, help: options.help, initial: null, parse: options.parse }, options)
}

/** `name=value` filters, gathered by name. */
export function filter(
  help = 'Keep only what matches the filter (name=value)',
  options: FlagOptions = {},
): Flag<ReadonlyMap<string, readonly string[]>> {
  const parse = (text: string, before: ReadonlyMap<string, readonly string[]>) => {
    if (text === '') return before
    const equals = text.indexOf('=')
    if (equals < 0) throw new FlagValueError('bad format of filter (expected name=value)')
    const name = text.slice(0, equals).trim().toLowerCase()
    const value = text.slice(equals + 1).trim()
    const values = before.get(name) ?? []
    return new Map([...before, [name, values.includes(value) ? values : [...values, value]]])
  }
  return define<ReadonlyMap<string, readonly string[]>>(
    { kind: 'filter', help, initial: new Map(), parse },
    options,
  )
}
