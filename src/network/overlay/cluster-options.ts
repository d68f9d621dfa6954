import { isIP } from 'node:net'
import { InvalidArgumentError } from '#errors/errors.ts'
import { formatAddress, parseAddress } from '../cidr.ts'
import type { EtcdOptions } from './etcd.ts'

/** What the flags say of the cluster, by dockerd's old names. */
export interface ClusterFlags {
  /** `cluster-store`: `etcd://host:2379,host:2379/path`, `https://…`. */
  readonly store: string
  /** `cluster-advertise`: an address or an interface, `:port` behind it means nothing. */
  readonly advertise: string
  /** `cluster-store-opts`. */
  readonly options: Readonly<Record<string, string>>
}

/** The cluster that this host belongs to. */
export interface ClusterOptions {
  readonly etcd: EtcdOptions
  /** What all keys start with; ends in a slash. */
  readonly prefix: string
  /** The address that other hosts send VXLAN packets to, or the interface whose first address it is. */
  readonly advertise: string
  /** The time after which a host that says nothing counts as gone (`discovery.ttl`), and how often it says something (`discovery.heartbeat`). */
  readonly ttlSeconds: number
  readonly heartbeatSeconds: number
  /** For how long a host may be gone before its endpoints that do not answer are given to others (`discovery.grace`). */
  readonly graceSeconds: number
}

const KNOWN: ReadonlySet<string> = new Set([
  'discovery.heartbeat', 'discovery.ttl', 'discovery.grace',
  'kv.cacertfile', 'kv.certfile', 'kv.keyfile', 'kv.path',
]) // prettier-ignore

/**
 * Reads the flags.
 * @param readFile gives the text of a PEM file
 * @throws InvalidArgumentError.
 */
export function parseCluster(flags: ClusterFlags, readFile: (path: string) => string): ClusterOptions {
  for (const name of Object.keys(flags.options)) {
    if (!KNOWN.has(name))
      throw new InvalidArgumentError(`invalid cluster-store-opts: unknown option "${name}"`)
  }
  const match = /^(?:(etcd|http|https):\/\/)?([^/]+)(?:\/(.*))?$/.exec(flags.store)
  // Another scheme than these ends up as a server's name.
  if (match === null || (match[1] === undefined && flags.store.includes('://'))) {
    throw new InvalidArgumentError(
      `invalid cluster-store: ${flags.store}: it is etcd://<host>:<port>[,<host>:<port>…][/<path>]`,
    )
  }
  if (flags.advertise === '') {
    throw new InvalidArgumentError(
      'cluster-store needs cluster-advertise: the address other hosts reach this one at',
    )
  }
  const file = (name: string): string | null => {
    const path = flags.options[`kv.${name}`] ?? ''
    return path === '' ? null : readFile(path)
  }
  const tls = { ca: file('cacertfile'), cert: file('certfile'), key: file('keyfile') }
  const secure = match[1] === 'https' || Object.values(tls).some((text) => text !== null)
  const path = [flags.options['kv.path'] ?? '', match[3] ?? ''].find((text) => text !== '') ?? 'wharf'
  const heartbeatSeconds = seconds(flags.options, 'discovery.heartbeat', 20)
  const ttlSeconds = seconds(flags.options, 'discovery.ttl', heartbeatSeconds * 3)
  if (ttlSeconds <= heartbeatSeconds) {
    throw new InvalidArgumentError(
      'invalid cluster-store-opts: discovery.ttl must be longer than discovery.heartbeat',
    )
  }
  return {
    etcd: {
      endpoints: (match[2] ?? '')
        .split(',')
        .map((server) => endpointOf(server.trim(), { secure, store: flags.store })),
      tls: secure ? tls : null,
    },
    prefix: `${path.replaceAll(/^\/+|\/+$/g, '')}/v1/`,
    advertise: withoutPort(flags.advertise),
    ttlSeconds,
    heartbeatSeconds,
    graceSeconds: seconds(flags.options, 'discovery.grace', 600),
  }
}

function endpointOf(server: string, options: { readonly secure: boolean; readonly store: string }): string {
  const text = `${options.secure ? 'https' : 'http'}://${server}`
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new InvalidArgumentError(`invalid cluster-store: ${options.store}: ${server} is no server`, {
      cause,
    })
  }
  if (url.username !== '' || url.hostname === '') {
    throw new InvalidArgumentError(`invalid cluster-store: ${options.store}: ${server} is no <host>:<port>`)
  }
  return `${url.protocol}//${url.hostname}:${/:\d+$/.test(server) ? url.port || defaultPort(url) : '2379'}`
}

/** A URL leaves the port of its scheme out. */
function defaultPort(url: URL): string {
  return url.protocol === 'https:' ? '443' : '80'
}

function withoutPort(text: string): string {
  const bracketed = /^\[(.+)\](?::\d+)?$/.exec(text)?.[1]
  const plain = bracketed ?? (isIP(text) === 0 ? text.replace(/:\d+$/, '') : text)
  return isIP(plain) === 0 ? plain : formatAddress(parseAddress(plain))
}

function seconds(options: Readonly<Record<string, string>>, name: string, otherwise: number): number {
  const text = options[name] ?? ''
  if (text === '') return otherwise
  const value = Number(text.replace(/s$/, ''))
  if (!/^\d+s?$/.test(text) || value < 1) {
    throw new InvalidArgumentError(
      `invalid cluster-store-opts: ${name}=${text}: it is a number of seconds, at least 1`,
    )
  }
  return value
}
