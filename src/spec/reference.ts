import { isDigest, type Digest } from '#base/digest.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

/**
 * Image references in Docker's grammar: `[domain/]path[:tag][@digest]`, where a missing domain means `docker.io`
 * and a single path component there means `library/…`. Pure text; no registry is ever asked here.
 */
export interface Reference {
  /** Host with an optional port; never empty. */
  readonly domain: string
  /** Repository path within the domain, `library/busybox`. */
  readonly path: string
  readonly tag: string | null
  readonly digest: Digest | null
}

/** What a name without a domain belongs to, by the grammar. */
export const DEFAULT_DOMAIN = 'docker.io'
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io'
const OFFICIAL_PREFIX = 'library/'
export const DEFAULT_TAG = 'latest'
/** The longest repository name, domain included. */
const MAX_NAME_LENGTH = 255

const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])'
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`
const PATH_COMPONENT = '[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*'
const PATH = `${PATH_COMPONENT}(?:/${PATH_COMPONENT})*`
const TAG = '[\\w][\\w.-]{0,127}'
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const REFERENCE_PATTERN = new RegExp(`^(?:(${DOMAIN})/)?(${PATH})(?::(${TAG}))?(?:@(${DIGEST}))?$`)
const TAG_PATTERN = new RegExp(`^${TAG}$`)
const HEX_ID_PATTERN = /^[a-f0-9]{64}$/
/** Far above what the grammar can accept: name, tag and the longest digest. */
const MAX_TEXT_LENGTH = 1024

/**
 * Parses a reference as a user writes it and fills in the domain; the tag stays null when none was given.
 * @throws InvalidArgumentError in Docker's words.
 */
export function parseReference(text: string): Reference {
  if (HEX_ID_PATTERN.test(text)) {
    throw new InvalidArgumentError(
      `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`,
    )
  }
  if (text.length > MAX_TEXT_LENGTH) throw new InvalidArgumentError('invalid reference format')
  const { domain, remainder } = splitDomain(text)
  const colon = remainder.indexOf(':')
  const remoteName = colon === -1 ? remainder : remainder.slice(0, colon)
  if (remoteName.toLowerCase() !== remoteName) {
    throw new InvalidArgumentError(
      `invalid reference format: repository name (${remoteName}) must be lowercase`,
    )
  }
  const match = REFERENCE_PATTERN.exec(`${domain}/${remainder}`)
  if (match === null || match[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError('invalid reference format')
  }
  if (match[1].length + match[2].length > MAX_NAME_LENGTH) {
    throw new InvalidArgumentError('repository name must not be more than 255 characters')
  }
  const digest = match[4]
  if (digest !== undefined && !isDigest(digest)) {
    throw new InvalidArgumentError(
      digest.startsWith('sha256:') ? 'invalid checksum digest length' : 'unsupported digest algorithm',
    )
  }
  return { domain: match[1], path: match[2], tag: match[3] ?? null, digest: digest ?? null }
}

function splitDomain(text: string): { domain: string; remainder: string } {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  const isHost = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first
  let domain = slash === -1 || !isHost ? DEFAULT_DOMAIN : first
  let remainder = slash === -1 || !isHost ? text : text.slice(slash + 1)
  if (domain === LEGACY_DEFAULT_DOMAIN) domain = DEFAULT_DOMAIN
  if (domain === DEFAULT_DOMAIN && !remainder.includes('/')) remainder = OFFICIAL_PREFIX + remainder
  return { domain, remainder }
}

/** The reference with `:latest` where it names neither a tag nor a digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === null && reference.digest === null ? { ...reference, tag: DEFAULT_TAG } : reference
}

/** The reference of the same repository with this tag and no digest. @throws InvalidArgumentError `invalid tag format`. */
export function withTag(reference: Reference, tag: string): Reference {
  if (!TAG_PATTERN.test(tag)) throw new InvalidArgumentError('invalid tag format')
  return { ...reference, tag, digest: null }
}

/** The reference of the same repository with this digest and no tag. */
export function withDigest(reference: Reference, digest: Digest): Reference {
  return { ...reference, tag: null, digest }
}

/** The repository in full, `docker.io/library/busybox`. */
export function canonicalName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`
}

/** The repository as Docker prints it, `busybox`. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return canonicalName(reference)
  const short = reference.path.startsWith(OFFICIAL_PREFIX)
    ? reference.path.slice(OFFICIAL_PREFIX.length)
    : null
  return short !== null && !short.includes('/') ? short : reference.path
}

/** The reference in full, the form that records are kept under. */
export function canonicalString(reference: Reference): string {
  return canonicalName(reference) + suffix(reference)
}

/** The reference as Docker prints it. */
export function familiarString(reference: Reference): string {
  return familiarName(reference) + suffix(reference)
}

function suffix(reference: Reference): string {
  const tag = reference.tag === null ? '' : `:${reference.tag}`
  return reference.digest === null ? tag : `${tag}@${reference.digest}`
}
