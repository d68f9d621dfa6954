import { InvalidArgumentError } from '#errors/errors.ts'

/** What a TLS connection to a daemon needs; paths of PEM files. */
export interface TlsFiles {
  readonly ca: string | null
  readonly cert: string | null
  readonly key: string | null
  /** Whether the daemon's certificate must be good. */
  readonly verify: boolean
}

/** Where a daemon listens. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly host: string; readonly path: string }
  | {
      readonly kind: 'tcp'
      readonly host: string
      readonly hostname: string
      readonly port: number
      readonly tls: TlsFiles | null
    }

/**
 * Parses a daemon address as `-H` and DOCKER_HOST give it: `unix:///path`, `tcp://host:port`, `http://`, `https://`.
 * @throws InvalidArgumentError in Docker's words for what it cannot be.
 */
export function parseEndpoint(host: string, tls: TlsFiles | null = null): Endpoint {
  const match = /^([a-z]+):\/\/(.*)$/.exec(host)
  if (match === null) {
    if (host.startsWith('/')) return { kind: 'unix', host: `unix://${host}`, path: host }
    return parseEndpoint(`tcp://${host}`, tls)
  }
  const [, scheme, rest] = match as unknown as [string, string, string]
  switch (scheme) {
    case 'unix':
      return { kind: 'unix', host, path: rest === '' ? '/run/wharf/wharf.sock' : rest }
    case 'tcp':
    case 'http':
    case 'https':
      return tcpEndpoint(host, { rest, tls: scheme === 'https' && tls === null ? noFiles : tls })
    default:
      throw new InvalidArgumentError(`invalid bind address format: ${host}`)
  }
}

const noFiles: TlsFiles = { ca: null, cert: null, key: null, verify: true }

function tcpEndpoint(host: string, { rest, tls }: { rest: string; tls: TlsFiles | null }): Endpoint {
  const authority = rest.replace(/\/.*$/, '')
  const match = /^(\[[0-9a-fA-F:]+\]|[^:]*)(?::(\d+))?$/.exec(authority)
  if (match === null)
    throw new InvalidArgumentError(`invalid bind address (${rest}): should be in the form host:port`)
  const hostname = (match[1] ?? '').replace(/^\[|\]$/g, '')
  const port = match[2] === undefined ? (tls === null ? 2375 : 2376) : Number(match[2])
  return { kind: 'tcp', host, hostname: hostname === '' ? '127.0.0.1' : hostname, port, tls }
}
