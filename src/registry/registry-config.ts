import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { InvalidArgumentError } from '#errors/errors.ts'
import { DEFAULT_DOMAIN } from '#spec/reference.ts'
import { type HostCertificates, readHostCertificates } from './host-certificates.ts'

/** How the daemon talks to registries: the keys of `daemon.json` that concern them. */
export interface RegistryConfig {
  /** By domain, in order of preference: `registry-mirrors` are those of `docker.io`. Base URLs. */
  readonly mirrors: ReadonlyMap<string, readonly string[]>
  /** `insecure-registries`: host, host:port or CIDR. Loopback is always among them. */
  readonly insecureRegistries: readonly string[]
  /** Certificates by registry, `<directory>/<host:port>/{*.crt,*.cert,*.key}`. */
  readonly certificatesDirectory: string
  /** URLs of proxies, and the hosts that are reached without them; null for none. */
  readonly proxies: {
    readonly http: string | null
    readonly https: string | null
    readonly noProxy: string | null
  }
  readonly maxConcurrentDownloads: number
  readonly maxConcurrentUploads: number
  readonly maxDownloadAttempts: number
  /** `User-Agent` of every request. */
  readonly userAgent: string
}

/** A base URL under which a registry, or a mirror of it, is tried. */
export interface Endpoint {
  readonly url: URL
  readonly isMirror: boolean
  /** TLS with the certificates for this host; `verify` false accepts any. */
  readonly tls: HostCertificates & { readonly verify: boolean }
}

/** The host that serves `docker.io`. */
const DEFAULT_HOST = `registry-1.${DEFAULT_DOMAIN}`

/**
 * Where a registry is looked for, best first: its mirrors, then itself by HTTPS, then by HTTP if it is insecure.
 * @throws InvalidArgumentError when a mirror is no URL.
 */
export async function endpointsOf(domain: string, config: RegistryConfig): Promise<Endpoint[]> {
  const mirrors: Endpoint[] = []
  for (const text of config.mirrors.get(domain) ?? []) {
    if (!URL.canParse(text))
      throw new InvalidArgumentError(`invalid mirror: ${JSON.stringify(text)} is not a valid URI`)
    const url = new URL(text.endsWith('/') ? text : `${text}/`)
    mirrors.push({ url, isMirror: true, tls: await tlsOf(url.host, config) })
  }
  const host = domain === DEFAULT_DOMAIN ? DEFAULT_HOST : domain
  const tls = await tlsOf(host, config)
  const own: Endpoint[] = [{ url: new URL(`https://${host}/`), isMirror: false, tls }]
  if (!tls.verify) own.push({ url: new URL(`http://${host}/`), isMirror: false, tls })
  return [...mirrors, ...own]
}

async function tlsOf(host: string, config: RegistryConfig): Promise<Endpoint['tls']> {
  const addresses = host === DEFAULT_HOST ? [] : await addressesOf(new URL(`http://${host}`).hostname)
  return {
    ...readHostCertificates(config.certificatesDirectory, host),
    verify: !isInsecure(host, { insecureRegistries: config.insecureRegistries, addresses }),
  }
}

/** The addresses of a name; none when it has none, which whoever connects will say. */
async function addressesOf(hostname: string): Promise<string[]> {
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return []
  return await lookup(hostname, { all: true }).then(
    (found) => found.map(({ address }) => address),
    () => [],
  )
}

/**
 * Tells whether a host may be spoken to without a certificate that can be verified.
 * @param options.addresses of a name: as in Docker, one of them in a network that is listed is enough
 */
export function isInsecure(
  host: string,
  options: { readonly insecureRegistries: readonly string[]; readonly addresses?: readonly string[] },
): boolean {
  const { insecureRegistries, addresses = [] } = options
  const { hostname } = new URL(`http://${host}`)
  const address = hostname.replace(/^\[|\]$/g, '')
  if (address === 'localhost' || insecureRegistries.includes(host) || insecureRegistries.includes(hostname))
    return true
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  list.addAddress('::1', 'ipv6')
  for (const entry of insecureRegistries) {
    const [network, length] = entry.split('/')
    if (network === undefined || length === undefined || isIP(network) === 0) continue
    list.addSubnet(network, Number(length), isIP(network) === 4 ? 'ipv4' : 'ipv6')
  }
  return [address, ...addresses].some(
    (each) => isIP(each) !== 0 && list.check(each, isIP(each) === 4 ? 'ipv4' : 'ipv6'),
  )
}
