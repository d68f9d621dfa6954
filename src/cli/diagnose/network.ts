import { readFileSync } from 'node:fs'
import { WharfError } from '#errors/errors.ts'
import type { EndpointResource, Network } from '#spec/docker/network.ts'
import type { Context } from '../core/context.ts'
import { lookInside } from './container.ts'
import { firewallKnows, ipJson } from './local.ts'
import { lookAtTunnel } from './overlay.ts'

type Inspected = Network & {
  readonly Containers?: Readonly<
    Record<string, { readonly Name?: string; readonly IPv4Address?: string; readonly MacAddress?: string }>
  > | null
}

/** What `ip -j` says of a link, as far as it is looked at here. */
interface IpLink {
  readonly flags: readonly string[]
  readonly addr_info: readonly { readonly local: string }[]
}

/**
 * Holds what the daemon says of a network against this machine: is the bridge there and up, has it the gateway's
 * address, does the firewall know it, is a link attached for each container, may packets be forwarded; and in each container: address, link, default route,
 * name server. Only for a daemon on this machine, and with its rights.
 * @returns whether all is well.
 */
export async function diagnoseNetwork(context: Context, text: string): Promise<boolean> {
  const network = JSON.parse(text) as Inspected
  let healthy = true
  const check = (ok: boolean, what: string) => {
    healthy &&= ok
    context.out.line(`  ${ok ? 'ok  ' : 'FAIL'}  ${what}`)
  }
  context.out.line(`${network.Name} (${network.Driver})`)
  if (network.Driver === 'bridge') checkBridge(network, check)
  const { containers } = await context.client()
  const elsewhere: EndpointResource[] = []
  let sandboxKey = ''
  for (const [id, endpoint] of Object.entries(network.Containers ?? {})) {
    const container = await containers.inspect(id).catch(nullIfUnknown)
    if (container === null && network.Driver === 'overlay') {
      elsewhere.push(endpoint)
      continue
    }
    if (container === null) continue // It went meanwhile.
    sandboxKey = container.NetworkSettings?.SandboxKey ?? sandboxKey
    const place = { name: network.Name ?? '', isInternal: network.Internal === true }
    for (const { ok, what } of lookInside(container, place)) check(ok, what)
  }
  if (network.Driver === 'overlay' && sandboxKey !== '') {
    for (const { ok, what } of lookAtTunnel(network, { sandboxKey, elsewhere })) check(ok, what)
  }
  return healthy
}

function nullIfUnknown(error: unknown): null {
  if (error instanceof WharfError && error.code === 'not_found') return null
  throw error
}

function checkBridge(network: Inspected, check: (ok: boolean, what: string) => void): void {
  const id = network.Id ?? ''
  const bridge = network.Options?.['com.docker.network.bridge.name'] ?? `br-${id.slice(0, 12)}`
  // Not from /sys, which shows the links of the namespace it was mounted in.
  const link = ipJson<IpLink>(['address', 'show', 'dev', bridge])[0]
  check(link !== undefined, `bridge ${bridge} exists`)
  if (link === undefined) return
  check(link.flags.includes('UP'), `bridge ${bridge} is up`)
  const addresses = link.addr_info.map(({ local }) => local)
  for (const { Gateway } of network.IPAM?.Config ?? []) {
    if (Gateway !== undefined && Gateway !== null && Gateway !== '')
      check(addresses.includes(Gateway), `gateway ${Gateway} is on ${bridge}`)
  }
  const ports = ipJson(['link', 'show', 'master', bridge]).length
  const containers = Object.values(network.Containers ?? {})
  check(
    ports >= containers.length,
    `${containers.length} container${containers.length === 1 ? '' : 's'}, ${ports} link${ports === 1 ? '' : 's'} on ${bridge}`,
  )
  const seen = new Map<string, string>()
  for (const { Name = '', IPv4Address = '' } of containers) {
    const other = seen.get(IPv4Address)
    if (IPv4Address !== '')
      check(
        other === undefined,
        `${Name} has ${IPv4Address}${other === undefined ? '' : `, and so has ${other}`}`,
      )
    seen.set(IPv4Address, Name)
  }
  if (network.Internal !== true)
    check(read('/proc/sys/net/ipv4/ip_forward') === '1', 'this machine forwards IPv4')
  check(firewallKnows(bridge), `the firewall knows ${bridge}`)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // A file that is not there says as much as an empty one.
    return ''
  }
}
