import { formatAddress, parseAddress } from '../cidr.ts'
import { isUserDefined } from '../endpoints.ts'
import type { EndpointRecord, NetworkRecord, SandboxRecord } from '../records.ts'
import type { NamedEndpoint, NameIndex } from './name-index.ts'

/** What the embedded DNS knows about a question; 'unknown': somebody else may. */
export type LocalAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unknown' }

/** Where names are looked up. */
export interface NameSource {
  readonly names: NameIndex
  network(id: string): NetworkRecord | null
}

/**
 * Answers a container's question from what its networks know: names, aliases and short ids of their containers, also with the network's name behind, the
 * container's own links, and addresses back to names. A name without an address of the family is known, with no addresses.
 */
export function resolveLocally(
  source: NameSource,
  asker: SandboxRecord,
  question: { readonly name: string; readonly type: string },
): LocalAnswer {
  const name = question.name.toLowerCase().replace(/\.$/, '')
  if (question.type === 'PTR') return resolveAddress(source, asker, name)
  if (question.type !== 'A' && question.type !== 'AAAA') {
    // Known names have no other records; the answer for their addresses tells whether a name is known.
    const found = lookUp(source, asker, name)
    return found.length > 0 ? { kind: 'addresses', addresses: [] } : { kind: 'unknown' }
  }
  const found = lookUp(source, asker, name)
  if (found.length === 0) return { kind: 'unknown' }
  const addresses = found.map(({ endpoint }) => (question.type === 'A' ? endpoint.ipv4 : endpoint.ipv6))
  return { kind: 'addresses', addresses: shuffle(addresses.filter((address) => address !== null)) }
}

function lookUp(source: NameSource, asker: SandboxRecord, name: string): readonly NamedEndpoint[] {
  for (const endpoint of namedEndpoints(source, asker)) {
    const suffix = `.${endpoint.networkName.toLowerCase()}`
    for (const candidate of name.endsWith(suffix) ? [name, name.slice(0, -suffix.length)] : [name]) {
      const found = [...source.names.byName(endpoint.networkId, linkTarget(endpoint, candidate) ?? candidate)]
      if (found.length > 0) return found
    }
  }
  return []
}

/** A link `container:alias` of the endpoint makes the alias another name of the container, for this asker only. */
function linkTarget(endpoint: EndpointRecord, alias: string): string | null {
  for (const link of endpoint.settings.Links ?? []) {
    const [target = '', name = target] = link.split(':')
    // A full id is known by its short form.
    if (name.toLowerCase() === alias)
      return target.replace(/^\//, '').replace(/^([0-9a-f]{12})[0-9a-f]{52}$/, '$1')
  }
  return null
}

function resolveAddress(source: NameSource, asker: SandboxRecord, name: string): LocalAnswer {
  const address = addressOfReverseName(name)
  if (address === null) return { kind: 'unknown' }
  for (const endpoint of namedEndpoints(source, asker)) {
    const found = source.names.byAddress(endpoint.networkId, address)
    if (found !== null) return { kind: 'name', name: `${found.containerName}.${endpoint.networkName}` }
  }
  return { kind: 'unknown' }
}

/** The address that `2.0.18.172.in-addr.arpa` or `….ip6.arpa` is about, or null. */
export function addressOfReverseName(name: string): string | null {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name)
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name)
  try {
    if (v4 !== null) return formatAddress(parseAddress(v4.slice(1).reverse().join('.')))
    if (v6 === null) return null
    const hex = (v6[1] ?? '').replaceAll('.', '').split('').reverse().join('')
    return formatAddress({ family: 6, value: BigInt(`0x${hex}`) })
  } catch {
    return null // Numbers above 255: no address, so nobody's.
  }
}

function namedEndpoints(source: NameSource, asker: SandboxRecord): EndpointRecord[] {
  return asker.endpoints.filter((endpoint) => {
    const network = source.network(endpoint.networkId)
    return network !== null && isUserDefined(network)
  })
}

/** Spreads clients over the containers that share a name. */
function shuffle<T>(items: readonly T[]): T[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T]
  }
  return shuffled
}
