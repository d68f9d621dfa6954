import { existsSync, statSync } from 'node:fs'
import { FlagValueError } from '../core/flag.ts'
import { csvFields } from '../flags/csv.ts'

/** Where a secret of `--secret` comes from. */
export type SecretSource =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'env'; readonly name: string }

const MAX_SECRET_BYTES = 500 * 1024

/**
 * Reads the values of `--secret`: `id=x[,src=path][,env=NAME][,type=file|env]`, as buildx does.
 * @throws FlagValueError
 */
export function parseSecrets(
  values: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, SecretSource> {
  const secrets = new Map<string, SecretSource>()
  for (const value of values) {
    const fields = fieldsOf(value)
    const unknown = [...fields.keys()].find((name) => !['id', 'type', 'src', 'source', 'env'].includes(name))
    if (unknown !== undefined) throw new FlagValueError(`unexpected key '${unknown}' in '${value}'`)
    const id = fields.get('id')
    if (id === undefined || id === '') throw new FlagValueError(`secret id is required in '${value}'`)
    const type = fields.get('type')
    if (type !== undefined && type !== 'file' && type !== 'env')
      throw new FlagValueError(`unsupported secret type '${type}'`)
    const given = fields.get('src') ?? fields.get('source')
    const name = fields.get('env') ?? (type === 'env' ? (given ?? id) : undefined)
    if (name !== undefined) secrets.set(id, { kind: 'env', name })
    else if (given !== undefined || type === 'file')
      secrets.set(id, { kind: 'file', path: checked(id, given ?? id) })
    // The id alone is a variable of that name where there is one, else a file.
    else if (environment[id] !== undefined) secrets.set(id, { kind: 'env', name: id })
    else secrets.set(id, { kind: 'file', path: checked(id, id) })
  }
  return secrets
}

function checked(id: string, path: string): string {
  if (!existsSync(path))
    throw new FlagValueError(`failed to stat ${path}: stat ${path}: no such file or directory`)
  const { size } = statSync(path)
  if (size > MAX_SECRET_BYTES) throw new FlagValueError(`secret ${id} too big. max size 500KB`)
  return path
}

/**
 * Reads the values of `--ssh`: `default`, `id`, or `id=/path/of/an/agent's.sock`.
 * @throws FlagValueError where there is no agent
 */
export function parseAgents(
  values: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, string> {
  const agents = new Map<string, string>()
  for (const value of values) {
    const equals = value.indexOf('=')
    const id = equals < 0 ? value : value.slice(0, equals)
    const path = equals < 0 ? environment['SSH_AUTH_SOCK'] : value.slice(equals + 1)
    if (path === undefined || path === '')
      throw new FlagValueError(`invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set`)
    if (!existsSync(path)) throw new FlagValueError(`stat ${path}: no such file or directory`)
    if (!statSync(path).isSocket())
      throw new FlagValueError(
        `${path} is no agent's socket: add the key to an agent (ssh-add) and forward that`,
      )
    agents.set(id === '' ? 'default' : id, path)
  }
  return agents
}

/** `name=value` fields of a comma-separated value, names in lower case. @throws FlagValueError */
export function fieldsOf(value: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const field of csvFields(value)) {
    const equals = field.indexOf('=')
    if (equals < 1) throw new FlagValueError(`invalid field '${field}' must be a key=value pair`)
    fields.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1))
  }
  return fields
}
