import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Network } from '#spec/docker/network.ts'
import type { Context } from '../core/context.ts'

type Inspected = Network & {
  readonly Containers?: Readonly<
    Record<string, { readonly Name?: string; readonly IPv4Address?: string }>
  > | null
}

/** What `ip -j` says of a link, as far as it is looked at here. */
interface IpLink {
  readonly flags: readonly string[]
  readonly addr_info: readonly { readonly local: string }[]
}

/** Asks ip(8) of the namespace we are in; nothing where it knows no such link. */
function ipJson(...args: readonly string[]): readonly IpLink[] {
  const { status, stdout } = spawnSync('ip', ['-j', ...args], { encoding: 'utf8' })
  return status === 0 && stdout.trim() !== '' ? (JSON.parse(stdout) as IpLink[]) : []
}

/**
 * Holds what the daemon says of a bridge network against this machine: is the bridge there and up, has it the gateway's
 * address, is a link attached for each container, may packets be forwarded. Only for a daemon on this machine.
 * @returns whether all is well.
 */
export function diagnoseNetwork(context: Context, text: string): boolean {
  const network = JSON.parse(text) as Inspected
  let healthy = true
  const check = (ok: boolean, what: string) => {
    healthy &&= ok
    context.out.line(`  ${ok ? 'ok  ' : 'FAIL'}  ${what}`)
  }
  context.out.line(`${network.Name} (${network.Driver})`)
  if (network.Driver !== 'bridge') {
    context.out.line('  --    only bridge networks have something to look at here')
    return true
  }
  const id = network.Id ?? ''
  const bridge = network.Options?.['com.docker.network.bridge.name'] ?? `br-${id.slice(0, 12)}`
  // Not from /sys, which shows the links of the namespace it was mounted in.
  const link = ipJson('address', 'show', 'dev', bridge)[0]
  check(link !== undefined, `bridge ${bridge} exists`)
  if (link === undefined) return false
  check(link.flags.includes('UP'), `bridge ${bridge} is up`)
  const addresses = link.addr_info.map(({ local }) => local)
  for (const { Gateway } of network.IPAM?.Config ?? []) {
    if (Gateway !== undefined && Gateway !== null && Gateway !== '')
      check(addresses.includes(Gateway), `gateway ${Gateway} is on ${bridge}`)
  }
  const ports = ipJson('link', 'show', 'master', bridge).length
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
  return healthy
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // A file that is not there says as much as an empty one.
    return ''
  }
}
