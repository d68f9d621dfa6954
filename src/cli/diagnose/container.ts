import type { ContainerInspectResponse } from '#spec/docker/container.ts'
import { ipJson, said } from './local.ts'

interface IpLink {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[]
}

/** One thing that was looked at: whether it is as it must be, and what it is. */
export interface Finding {
  readonly ok: boolean
  readonly what: string
}

/**
 * Looks into a container's network namespace: is the address of this network on a link that is up, does a default route lead to a gateway that is on a link,
 * does the name server listen. Needs the rights to enter the namespace.
 */
export function lookInside(
  container: ContainerInspectResponse,
  network: { readonly name: string; readonly isInternal: boolean },
): readonly Finding[] {
  const name = (container.Name ?? '').replace(/^\//, '')
  const netns = container.NetworkSettings?.SandboxKey ?? ''
  const endpoint = container.NetworkSettings?.Networks?.[network.name]
  if (endpoint === undefined)
    return [{ ok: false, what: `${name} does not know that it is in ${network.name}` }]
  const links = ipJson<IpLink>(['address', 'show'], { netns })
  if (links.length === 0) return [{ ok: false, what: `${name}: its namespace ${netns} cannot be entered` }]
  const findings: Finding[] = []
  for (const [address, prefix] of [
    [endpoint.IPAddress ?? '', endpoint.IPPrefixLen ?? 0],
    [endpoint.GlobalIPv6Address ?? '', endpoint.GlobalIPv6PrefixLen ?? 0],
  ] as const) {
    if (address === '') continue
    const link = links.find(({ addr_info }) =>
      addr_info.some(({ local, prefixlen }) => local === address && prefixlen === prefix),
    )
    findings.push({
      ok: link !== undefined,
      what: `${name}: ${address}/${prefix} is on ${link?.ifname ?? 'no link'}`,
    })
    if (link !== undefined)
      findings.push({
        ok: link.flags.includes('LOWER_UP'),
        what: `${name}: ${link.ifname} is up and plugged in`,
      })
  }
  if (!network.isInternal && (endpoint.Gateway ?? '') !== '') findings.push(defaultRoute(name, netns))
  if (!['bridge', 'host', 'none'].includes(network.name)) {
    // 127.0.0.11 as /proc writes it.
    const sockets = said('nsenter', `--net=${netns}`, 'cat', '/proc/self/net/udp') ?? ''
    findings.push({ ok: / 0B00007F:/.test(sockets), what: `${name}: the name server 127.0.0.11 listens` })
  }
  return findings
}

/** A container may have it by another of its networks. */
function defaultRoute(name: string, netns: string): Finding {
  const routes = ipJson<{ readonly gateway?: string; readonly dev: string }>(['route', 'show', 'default'], {
    netns,
  })
  const [route] = routes
  if (route === undefined) return { ok: false, what: `${name}: it has a default route` }
  return {
    ok: true,
    what: `${name}: default route by ${route.dev}${route.gateway ? ` to ${route.gateway}` : ''}`,
  }
}
