import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
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
 * @throws InvalidArgumentError in BuildKit's words
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
  for (const name of fields.keys()) {
    const types = KNOWN[name]
    if (types === undefined) throw new InvalidArgumentError(`unexpected key '${name}' in '${text}'`)
    if (types !== '' && !types.split(' ').includes(type))
      throw new InvalidArgumentError(`unexpected key '${name}' for mount type '${type}'`)
  }
  const isSecret = type === 'secret' || type === 'ssh'
  const id = isSecret ? secretId(type, fields, text) : null
  const target = fields.get('target') ?? (id === null || fields.has('env') ? null : secretTarget(type, id))
  if (target === null && id === null)
    throw new InvalidArgumentError(`invalid mount "${text}": target is required`)
  const absolute = target === null ? null : posix.resolve('/', context.workdir, target)
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
    id: id ?? fields.get('id') ?? (absolute as string),
    sharing,
    mode: modeOf(fields),
    uid: number(fields, 'uid'),
    gid: number(fields, 'gid'),
    sizeBytes: fields.has('size') ? parseSize(fields.get('size') as string) : null,
    required: fields.has('required') && fields.get('required') !== 'false',
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
/** Which keys there are, and for which types where not for all. */
const KNOWN: Readonly<Record<string, string>> = {
  type: '',
  target: '',
  source: 'bind cache secret',
  from: 'bind cache',
  ro: 'bind cache',
  rw: 'bind cache',
  id: 'cache secret ssh',
  sharing: 'cache',
  mode: 'cache secret ssh',
  uid: 'cache secret ssh',
  gid: 'cache secret ssh',
  size: 'tmpfs',
  required: 'secret ssh',
  env: 'secret',
}

/** Which secret or agent: the id, or for a secret the name of its file. */
function secretId(type: string, fields: ReadonlyMap<string, string>, text: string): string {
  if (type === 'ssh') return fields.get('id') ?? 'default'
  const id = fields.get('source') ?? fields.get('id') ?? posix.basename(fields.get('target') ?? '')
  if (id === '') throw new InvalidArgumentError(`invalid mount "${text}": one of source, target required`)
  return id
}

function secretTarget(type: string, id: string): string {
  // Where BuildKit puts them: programs and scripts know these paths.
  return type === 'ssh' ? '/run/buildkit/ssh_agent.0' : `/run/secrets/${posix.basename(id)}`
}

function modeOf(fields: ReadonlyMap<string, string>): number | null {
  const text = fields.get('mode')
  if (text === undefined) return null
  if (!/^[0-7]{1,4}$/.test(text)) throw new InvalidArgumentError(`invalid value ${text} for mode`)
  return Number.parseInt(text, 8)
}

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
