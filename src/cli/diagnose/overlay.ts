import { dirname, join } from 'node:path'
import type { EndpointResource, Network } from '#spec/docker/network.ts'
import type { Finding } from './container.ts'
import { ipJson, said } from './local.ts'

/**
 * Looks at an overlay network on this machine: does its tunnel stand, and does it know behind which host each container of another host is.
 * @param options.sandboxKey the namespace of a container of the network that runs here: the network's own is beside it
 * @param options.elsewhere the containers of other hosts
 */
export function lookAtTunnel(
  network: Network,
  options: { readonly sandboxKey: string; readonly elsewhere: readonly EndpointResource[] },
): readonly Finding[] {
  const netns = join(dirname(dirname(options.sandboxKey)), 'overlay', network.Id ?? '')
  const [tunnel] = ipJson<{ readonly flags: readonly string[] }>(['link', 'show', 'dev', 'vxlan0'], { netns })
  if (tunnel === undefined) return [{ ok: false, what: `the tunnel vxlan0 exists in ${netns}` }]
  const findings: Finding[] = [{ ok: tunnel.flags.includes('UP'), what: 'the tunnel vxlan0 is up' }]
  const table = said('nsenter', `--net=${netns}`, 'bridge', 'fdb', 'show', 'dev', 'vxlan0') ?? ''
  for (const { Name, MacAddress } of options.elsewhere) {
    const host = new RegExp(`^${MacAddress ?? ''} .*dst (\\S+)`, 'm').exec(table)?.[1]
    findings.push({
      ok: host !== undefined,
      what: `the tunnel leads to ${Name ?? ''}${host === undefined ? '' : ` at the host ${host}`}`,
    })
  }
  return findings
}
