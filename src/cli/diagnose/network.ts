import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import type { Network } from '#spec/docker/network.ts'
import type { Context } from '../core/context.ts'

type Inspected = Network & {
  readonly Containers?: Readonly<
    Record<string, { readonly Name?: string; readonly IPv4Address?: string }>
  > | null
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
  const folder = `/sys/class/net/${bridge}`
  check(existsSync(`${folder}/bridge`), `bridge ${bridge} exists`)
  if (!existsSync(folder)) return false
  check((Number.parseInt(read(`${folder}/flags`), 16) & 1) === 1, `bridge ${bridge} is up`)
  const addresses = (networkInterfaces()[bridge] ?? []).map(({ address }) => address)
  for (const { Gateway } of network.IPAM?.Config ?? []) {
    if (Gateway !== undefined && Gateway !== null && Gateway !== '')
      check(addresses.includes(Gateway) || Gateway.includes(':'), `gateway ${Gateway} is on ${bridge}`)
  }
  const ports = existsSync(`${folder}/brif`) ? readdirSync(`${folder}/brif`).length : 0
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
