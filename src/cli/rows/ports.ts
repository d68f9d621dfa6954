import type { PortSummary } from '#spec/docker/container.ts'

const order = (a: PortSummary, b: PortSummary): number =>
  a.PrivatePort - b.PrivatePort ||
  compareText(a.IP ?? '', b.IP ?? '') ||
  (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
  compareText(a.Type, b.Type)

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const withPort = (ip: string, port: string): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`

/** The ports of a container in one line: ranges that lie together are joined. */
export function displayPorts(ports: readonly PortSummary[]): string {
  const done: string[] = []
  const translated: string[] = []
  const open = new Map<string, { ip: string; type: string; first: number; last: number }>()
  for (const port of ports.toSorted(order)) {
    const ip = port.IP ?? ''
    if (ip !== '' && port.PublicPort !== port.PrivatePort) {
      translated.push(`${withPort(ip, String(port.PublicPort ?? 0))}->${port.PrivatePort}/${port.Type}`)
      continue
    }
    const key = `${ip}/${port.Type}`
    const range = open.get(key)
    if (range !== undefined && port.PrivatePort === range.last + 1) {
      range.last = port.PrivatePort
      continue
    }
    if (range === undefined) {
      open.set(key, { ip, type: port.Type, first: port.PrivatePort, last: port.PrivatePort })
      continue
    }
    done.push(rangeText(range))
    Object.assign(range, { first: port.PrivatePort, last: port.PrivatePort })
  }
  return [...done, ...[...open.values()].map(rangeText), ...translated].join(', ')
}

function rangeText({
  ip,
  type,
  first,
  last,
}: {
  ip: string
  type: string
  first: number
  last: number
}): string {
  const numbers = first === last ? `${first}` : `${first}-${last}`
  return `${ip === '' ? numbers : `${withPort(ip, numbers)}->${numbers}`}/${type}`
}
