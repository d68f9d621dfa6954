import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'

/**
 * The variables of legacy links (`--link db:database`): DATABASE_NAME, DATABASE_PORT, DATABASE_PORT_80_TCP and its
 * parts, and the variables of the other container as DATABASE_ENV_*.
 */
export function linkEnvironment(record: ContainerRecord, context: ContainerContext): readonly string[] {
  return record.links.flatMap(({ containerId, alias }) => {
    const other = context.records.find(containerId)
    const address = context.networks.describe(containerId)?.endpoints['bridge']?.IPAddress ?? ''
    if (other === null || address === '') return []
    const prefix = (alias.split('/').pop() ?? alias).toUpperCase().replaceAll('-', '_')
    const ports = Object.keys(other.config.ExposedPorts ?? {})
      .map((text) => text.split('/') as [string, string?])
      .map(([port, protocol = 'tcp']) => ({ port, protocol }))
      .toSorted((a, b) => rank(a.protocol) - rank(b.protocol) || Number(a.port) - Number(b.port))
    const url = (p: Port): string => `${p.protocol}://${address}:${p.port}`
    const first = ports[0]
    return [
      ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
      ...ports.flatMap((p) => {
        const key = `${prefix}_PORT_${p.port}_${p.protocol.toUpperCase()}`
        return [
          `${key}=${url(p)}`,
          `${key}_ADDR=${address}`,
          `${key}_PORT=${p.port}`,
          `${key}_PROTO=${p.protocol}`,
        ]
      }),
      ...rangesOf(ports).flatMap(([start, end]) => {
        const key = `${prefix}_PORT_${start.port}_${start.protocol.toUpperCase()}`
        return [
          `${key}_START=${url(start)}`,
          `${key}_PORT_START=${start.port}`,
          `${key}_END=${url(end)}`,
          `${key}_PORT_END=${end.port}`,
        ]
      }),
      `${prefix}_NAME=/${record.name}/${alias}`,
      ...(other.config.Env ?? [])
        .filter((entry) => !/^(HOME|PATH)=/.test(entry) && entry.includes('='))
        .map((entry) => `${prefix}_ENV_${entry}`),
    ]
  })
}

interface Port {
  readonly port: string
  readonly protocol: string
}

/** Ports of a protocol that follow one another, by their ends: dockerd tells them once more. */
function rangesOf(ports: readonly Port[]): readonly (readonly [Port, Port])[] {
  const ranges: [Port, Port][] = []
  for (const port of ports) {
    const open = ranges.at(-1)
    const follows = open?.[1].protocol === port.protocol && Number(port.port) === Number(open[1].port) + 1
    if (follows) open[1] = port
    else ranges.push([port, port])
  }
  return ranges.filter(([start, end]) => start !== end)
}

/** The first port of TCP is the link's own, if it has any. */
function rank(protocol: string): number {
  return protocol === 'tcp' ? 0 : 1
}
