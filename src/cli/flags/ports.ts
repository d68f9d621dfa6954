import type { PortBinding } from '#spec/docker/host-config.ts'
import { ExitError } from '../core/exit.ts'
import { csvFields } from './csv.ts'

/** What `-p` and `--expose` say, in the API's form. */
export interface Ports {
  readonly exposed: Readonly<Record<string, object>>
  readonly bindings: Readonly<Record<string, readonly PortBinding[]>>
}

interface Range {
  readonly first: number
  readonly last: number
}

const fail = (message: string): never => {
  throw new ExitError(125, message, { withHint: true })
}

/** Reads ports as `docker run` takes them: `8080:80/tcp`, `127.0.0.1::80`, `8000-8010:80`, `[::1]:53:53/udp`. */
export function parsePorts({
  publish,
  expose,
}: {
  publish: readonly string[]
  expose: readonly string[]
}): Ports {
  const exposed: Record<string, object> = {}
  const bindings: Record<string, PortBinding[]> = {}
  for (const spec of publish) {
    for (const [port, binding] of parsePublish(spec.includes('=') ? longSyntax(spec) : spec)) {
      exposed[port] = {}
      ;(bindings[port] ??= []).push(binding)
    }
  }
  for (const text of expose) {
    if (text.includes(':')) fail(`invalid port format for --expose: ${text}`)
    const [number = '', protocol = 'tcp'] = text.split('/')
    const range = parseRange(number)
    if (range === null)
      return fail(
        `invalid range format for --expose: ${number}, error: strconv.ParseUint: parsing "${number}": invalid syntax`,
      )
    for (let port = range.first; port <= range.last; port += 1) exposed[`${port}/${protocol}`] = {}
  }
  return { exposed, bindings }
}

function parsePublish(spec: string): (readonly [string, PortBinding])[] {
  const { ip, host, container } = split(spec)
  const [number = '', protocol = 'tcp'] = container.split('/')
  if (container === '') fail(`no port specified: ${spec}<empty>`)
  if (ip !== '' && !isAddress(ip)) fail(`invalid IP address: ${ip}`)
  const ports = parseRange(number) ?? fail(`invalid containerPort: ${number}`)
  const hosts = host === '' ? null : (parseRange(host) ?? fail(`invalid hostPort: ${host}`))
  const type = protocol.toLowerCase()
  if (!['tcp', 'udp', 'sctp'].includes(type)) fail(`invalid proto: ${protocol}`)
  const count = ports.last - ports.first
  if (hosts !== null && hosts.last - hosts.first !== count && count !== 0)
    fail(`invalid ranges specified for container and host Ports: ${number} and ${host}`)
  return Array.from({ length: count + 1 }, (_none, at) => {
    let HostPort = hosts === null ? '' : String(hosts.first + at)
    // One port of the container and a range of the host: the daemon takes a free one of them.
    if (hosts !== null && count === 0 && hosts.last > hosts.first) HostPort = `${hosts.first}-${hosts.last}`
    return [`${ports.first + at}/${type}`, { HostIp: ip, HostPort }] as const
  })
}

function split(spec: string): { ip: string; host: string; container: string } {
  const parts = spec.split(':')
  const container = parts.pop() ?? ''
  const host = parts.pop() ?? ''
  return { ip: parts.join(':').replace(/^\[(.*)\]$/, '$1'), host, container }
}

function parseRange(text: string): Range | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  if (match === null) return null
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  return first <= last && last <= 65_535 ? { first, last } : null
}

const isAddress = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text) || text.includes(':')

/** `target=80,published=8080,protocol=udp`. */
function longSyntax(spec: string): string {
  const fields = new Map(csvFields(spec).map((field) => field.split('=', 2) as [string, string]))
  for (const key of fields.keys())
    if (!['target', 'published', 'protocol', 'mode'].includes(key))
      fail(`unexpected key '${key}' in '${spec}'`)
  const protocol = fields.get('protocol')
  const target = `${fields.get('target') ?? ''}${protocol === undefined ? '' : `/${protocol}`}`
  const published = fields.get('published')
  return published === undefined ? target : `${published}:${target}`
}
