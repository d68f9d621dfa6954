import { posix } from 'node:path'
import { InvalidArgumentError, NotImplementedError } from '#errors/errors.ts'
import type { Scope } from '../variables.ts'

/** A `--mount` of RUN (Dockerfile reference, "RUN --mount"). */
export interface RunMount {
  readonly type: 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh'
  /** Absolute; null for a secret that is only an environment variable. */
  readonly target: string | null
  readonly source: string
  /** A stage, image or named context; null: the main context, or an empty cache. */
  readonly from: string | null
  readonly readOnly: boolean
  readonly id: string
  readonly sharing: 'shared' | 'private' | 'locked'
  readonly mode: number | null
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number | null
  readonly required: boolean
  /** The variable that holds a secret. */
  readonly env: string | null
}

const TYPES: ReadonlySet<string> = new Set(['bind', 'cache', 'tmpfs', 'secret', 'ssh'])

/**
 * Parses the value of a `--mount` flag.
 * @throws InvalidArgumentError in BuildKit's words; NotImplementedError for what needs a BuildKit session.
 */
export function parseRunMount(
  text: string,
  context: { readonly scope: Scope; readonly workdir: string },
): RunMount {
  const fields = new Map<string, string>()
  for (const part of text.split(',')) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    fields.set(ALIASES[name] ?? name, equals < 0 ? 'true' : context.scope.word(part.slice(equals + 1)))
  }
  const type = fields.get('type') ?? 'bind'
  if (!TYPES.has(type)) throw new InvalidArgumentError(`unsupported mount type ${JSON.stringify(type)}`)
  if (type === 'secret' || type === 'ssh') {
    throw new NotImplementedError(
      `RUN --mount=type=${type} needs a BuildKit session, which this daemon does not serve`,
    )
  }
  for (const name of fields.keys()) {
    if (!KNOWN.has(name)) throw new InvalidArgumentError(`unexpected key '${name}' in '${text}'`)
  }
  const target = fields.get('target')
  if (target === undefined) throw new InvalidArgumentError(`invalid mount "${text}": target is required`)
  const absolute = posix.resolve('/', context.workdir, target)
  const sharing = fields.get('sharing') ?? 'shared'
  if (sharing !== 'shared' && sharing !== 'private' && sharing !== 'locked') {
    throw new InvalidArgumentError(`unsupported sharing value ${JSON.stringify(sharing)}`)
  }
  const readWrite = fields.get('rw')
  return {
    type: type as RunMount['type'],
    target: absolute,
    source: fields.get('source') ?? '/',
    from: fields.get('from') ?? null,
    readOnly: fields.has('ro') ? fields.get('ro') !== 'false' : type === 'bind' && readWrite !== 'true',
    id: fields.get('id') ?? absolute,
    sharing,
    mode: fields.has('mode') ? Number.parseInt(fields.get('mode') as string, 8) : null,
    uid: number(fields, 'uid'),
    gid: number(fields, 'gid'),
    sizeBytes: fields.has('size') ? parseSize(fields.get('size') as string) : null,
    required: fields.get('required') === 'true',
    env: fields.get('env') ?? null,
  }
}

const ALIASES: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  readonly: 'ro',
  readwrite: 'rw',
}
const KNOWN: ReadonlySet<string> = new Set(
  'type target source from ro rw id sharing mode uid gid size required env'.split(' '),
)

function number(fields: ReadonlyMap<string, string>, name: string): number {
  const text = fields.get(name) ?? '0'
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`invalid value ${text} for ${name}`)
  return Number(text)
}

function parseSize(text: string): number {
  const match = /^(\d+)([kmgt]?)b?$/i.exec(text)
  if (match === null) throw new InvalidArgumentError(`invalid size: '${text}'`)
  return Number(match[1]) * 1024 ** ' kmgt'.indexOf((match[2] as string).toLowerCase() || ' ')
}
