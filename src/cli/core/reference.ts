import { ExitError } from './exit.ts'

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const DOMAIN =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?'
const REFERENCE = new RegExp(
  `^((?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`,
)

/** The parts of an image's name as it was typed. */
export interface NameParts {
  readonly name: string
  readonly tag: string | null
  readonly digest: string | null
}

/** Takes a reference apart. @throws ExitError in Docker's words. */
export function parseName(text: string): NameParts {
  const match = REFERENCE.exec(text)
  if (match !== null && !/^[a-f0-9]{64}$/.test(text))
    return { name: match[1] ?? '', tag: match[2] ?? null, digest: match[3] ?? null }
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw new ExitError(1, `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  }
  if (REFERENCE.test(text.toLowerCase())) {
    const name = text.replace(/[@:][^/]*$/, '')
    throw new ExitError(
      1,
      `invalid reference format: repository name (${name.includes('/') ? name : `library/${name}`}) must be lowercase`,
    )
  }
  throw new ExitError(1, 'invalid reference format')
}

/** `repo` and `tag` of a name for the API, with `latest` when nothing is said. */
export function splitReference(text: string): { repo: string; tag: string } {
  const { name, tag, digest } = parseName(text)
  if (digest !== null) throw new ExitError(1, 'refusing to create a tag with a digest reference')
  return { repo: name, tag: tag ?? 'latest' }
}

/** The registry of a name: its first part when that looks like a host. */
export function registryOf(name: string): string {
  const [first = '', ...rest] = name.split('/')
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : 'docker.io'
}

/** The name in the form that people see: without docker.io/library. */
export function familiarName(name: string): string {
  return name.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\/(?=[^/]+$)/, '')
}

/** As pulls print it: docker.io/library/busybox:latest. */
export function canonicalName(name: string): string {
  const bare = familiarName(name)
  if (registryOf(bare) !== 'docker.io') return bare
  return `docker.io/${bare.includes('/') ? bare : `library/${bare}`}`
}
