import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Propagation } from './mount-record.ts'

const PROPAGATIONS: readonly string[] = ['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']
const CONSISTENCIES: readonly string[] = ['consistent', 'cached', 'delegated', 'default']
const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

/** The meaning of a `-v` option text: `ro,z,rshared` and the like. */
export interface BindMode {
  readonly readOnly: boolean
  readonly propagation: Propagation | null
  readonly copy: boolean
}

/** A `-v` text taken apart. Without a source it is an anonymous volume; a source without a slash is a volume's name. */
export interface ParsedBind {
  readonly source: string
  readonly destination: string
  readonly kind: 'bind' | 'volume'
  readonly modeText: string
  readonly mode: BindMode
}

/** Parses an entry of HostConfig.Binds. @throws InvalidArgumentError in Docker's words. */
export function parseBind(text: string): ParsedBind {
  const refuse = (why: string): never => {
    throw new InvalidArgumentError(`invalid volume specification: '${text}'${why === '' ? '' : `: ${why}`}`)
  }
  const parts = text.split(':')
  if (parts.length > 3 || parts.some((part) => part === '')) refuse('')
  // `/data` is an anonymous volume, `/data:ro` too; anything else has a source.
  const [source, target, modeText] =
    parts.length === 1
      ? ['', parts[0] as string, '']
      : parts.length === 2 && !(parts[1] as string).startsWith('/') && isMode(parts[1] as string)
        ? ['', parts[0] as string, parts[1] as string]
        : [parts[0] as string, parts[1] as string, parts[2] ?? '']
  const kind = source.startsWith('/') ? 'bind' : 'volume'
  const destination = cleanDestination(target, (why) =>
    refuse(`invalid mount config for type "${kind}": ${why}`),
  )
  if (kind === 'volume' && source !== '' && !VOLUME_NAME.test(source)) {
    throw new InvalidArgumentError(
      `create ${source}: "${source}" includes invalid characters for a local volume name, only ` +
        `"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    )
  }
  const mode = parseMode(modeText)
  if (kind === 'volume' && mode !== null && mode.propagation !== null)
    refuse('invalid mount config for type "volume": field BindOptions must not be specified')
  if (mode === null || (kind === 'bind' && !mode.copy)) {
    throw new InvalidArgumentError(`invalid mode: ${modeText}`)
  }
  return { source: kind === 'bind' ? cleanPath(source) : source, destination, kind, modeText, mode }
}

function isMode(text: string): boolean {
  return parseMode(text) !== null
}

/** Parses `ro,z,rshared`, or gives null when it is no such text. */
export function parseMode(text: string): BindMode | null {
  let readOnly: boolean | null = null
  let propagation: Propagation | null = null
  let copy = true
  const seen = new Set<string>()
  for (const option of text === '' ? [] : text.split(',')) {
    const group = groupOf(option)
    if (group === null || seen.has(group)) return null
    seen.add(group)
    if (group === 'access') readOnly = option === 'ro'
    if (group === 'propagation') propagation = option as Propagation
    if (group === 'copy') copy = false
  }
  return { readOnly: readOnly ?? false, propagation, copy }
}

function groupOf(option: string): string | null {
  if (option === 'ro' || option === 'rw') return 'access'
  if (option === 'z' || option === 'Z') return 'label'
  if (option === 'nocopy') return 'copy'
  if (PROPAGATIONS.includes(option)) return 'propagation'
  if (CONSISTENCIES.includes(option)) return 'consistency'
  return null
}

/** An absolute, clean path in the container that is not its root. */
export function cleanDestination(path: string, refuse: (why: string) => never): string {
  if (!posix.isAbsolute(path)) {
    refuse(`invalid mount path: '${path}' mount path must be absolute`)
  }
  const clean = cleanPath(path)
  if (clean === '/') refuse(`invalid specification: destination can't be '/'`)
  return clean
}

/** Without `.`, `..`, doubled and trailing slashes. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}
