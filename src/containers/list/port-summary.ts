import type { PortSummary } from '#spec/docker/container.ts'
import type { PortMap } from '#spec/docker/host-config.ts'

/** `Ports` of the list, from NetworkSettings.Ports; in the order of the private ports. */
export function portSummary(ports: PortMap): readonly PortSummary[] {
  const summary: PortSummary[] = []
  for (const [text, bindings] of Object.entries(ports)) {
    const [number = '0', protocol = 'tcp'] = text.split('/')
    const port = { PrivatePort: Number(number), Type: protocol as PortSummary['Type'] }
    if (bindings === null || bindings.length === 0) summary.push(port)
    for (const binding of bindings ?? []) {
      summary.push({ IP: binding.HostIp ?? '', ...port, PublicPort: Number(binding.HostPort) })
    }
  }
  return summary.sort((a, b) => a.PrivatePort - b.PrivatePort)
}
