import { ConflictError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { PortBinding, PortMap, PublishRequest } from '#spec/docker/host-config.ts'
import type { PortChange } from '#network/port-changes.ts'
import type { PublishedPort } from '#network/port-spec.ts'
import { parsePort } from '#network/port-spec.ts'
import type { ContainerRecord } from './records.ts'

/** Tells whether a request is about ports at all. */
export function isPublishing(request: PublishRequest): boolean {
  return Object.keys({ ...request.PublishAdd, ...request.PublishRemove }).length > 0
}

/**
 * The bindings of a container after a request, its exposed ports, and which published ports the user named to go.
 * @param live what is published now (NetworkSettings.Ports)
 * @throws InvalidArgumentError; NotFoundError for a port that is not published; ConflictError for one that is, or cannot be changed
 */
export function changePublishing(
  record: ContainerRecord,
  request: PublishRequest,
  live: PortMap,
): Omit<PortChange, 'record'> {
  refuseMode(record)
  const bindings = new Map<string, readonly PortBinding[]>()
  for (const [spec, list] of Object.entries(record.hostConfig.PortBindings ?? {})) {
    bindings.set(portName(spec), [...(bindings.get(portName(spec)) ?? []), ...(list ?? [])])
  }
  const drop: PublishedPort[] = []
  for (const [spec, list] of Object.entries(request.PublishRemove ?? {})) {
    const name = portName(spec)
    const patterns = list === null || list.length === 0 ? [{}] : list
    for (const pattern of patterns) {
      const { left, dropped } = without(bindings.get(name) ?? [], pattern, live[name] ?? [])
      if (left === null) throw refusal(record, name, pattern)
      bindings.set(name, left)
      for (const binding of dropped) drop.push(...droppedPort(name, binding))
    }
  }
  for (const [spec, list] of Object.entries(request.PublishAdd ?? {})) {
    const name = portName(spec)
    const before = bindings.get(name) ?? []
    const added = list === null || list.length === 0 ? [{}] : list
    const twice = added.find((binding) => binding.HostPort && before.some((other) => isSame(other, binding)))
    if (twice !== undefined) {
      throw new ConflictError(`port ${name} of container ${record.name} is already published at ${at(twice)}`)
    }
    bindings.set(name, [...before, ...added])
  }
  const exposed = Object.keys(record.config.ExposedPorts ?? {})
  return {
    portBindings: Object.fromEntries([...bindings].filter(([, list]) => list.length > 0)),
    exposedPorts: [...new Set([...exposed, ...Object.keys(request.PublishAdd ?? {}).map(portName)])],
    drop,
  }
}

function refuseMode(record: ContainerRecord): void {
  const mode = record.hostConfig.NetworkMode ?? ''
  if (record.config.NetworkDisabled === true || /^(none$|host$|container:)/.test(mode)) {
    throw new ConflictError(
      `cannot publish ports of container ${record.name}: it has no network of its own (network mode ${mode || 'none'})`,
    )
  }
}

/** Takes out what fits a pattern; `left` is null when nothing does. A binding to any free port is named by the port that it got. */
function without(
  bindings: readonly PortBinding[],
  pattern: PortBinding,
  live: readonly PortBinding[],
): { readonly left: readonly PortBinding[] | null; readonly dropped: readonly PortBinding[] } {
  const { HostIp = '', HostPort = '' } = pattern
  const fits = (binding: PortBinding): boolean =>
    (HostIp === '' || binding.HostIp === HostIp) && (HostPort === '' || binding.HostPort === HostPort)
  const left = bindings.filter((binding) => !fits(binding))
  if (left.length < bindings.length) return { left, dropped: bindings.filter(fits) }
  const isLive = live.some(
    (binding) => binding.HostPort === HostPort && (HostIp === '' || binding.HostIp === HostIp),
  )
  const chosen = isLive ? bindings.find((binding) => mayHaveGot(binding, Number(HostPort))) : undefined
  if (chosen === undefined) return { left: null, dropped: [] }
  return { left: bindings.filter((binding) => binding !== chosen), dropped: [pattern] }
}

function mayHaveGot(binding: PortBinding, port: number): boolean {
  const text = binding.HostPort ?? ''
  const [first = 0, last = 0] = text.split('-').map(Number)
  return text === '' || text === '0' || (text.includes('-') && port >= first && port <= last)
}

function refusal(record: ContainerRecord, name: string, pattern: PortBinding): ConflictError | NotFoundError {
  const bound = (record.hostConfig.PortBindings ?? {})[name] ?? []
  if (record.hostConfig.PublishAllPorts === true && bound.length === 0) {
    return new ConflictError(
      `port ${name} of container ${record.name} is published by --publish-all: publish ports by number to change them`,
    )
  }
  const where = pattern.HostIp || pattern.HostPort ? ` at ${at(pattern)}` : ''
  return new NotFoundError(`port ${name} of container ${record.name} is not published${where}`)
}

function isSame(one: PortBinding, other: PortBinding): boolean {
  return (one.HostIp ?? '') === (other.HostIp ?? '') && one.HostPort === other.HostPort
}

function at(binding: PortBinding): string {
  const [ip, port] = [binding.HostIp ?? '', binding.HostPort ?? '']
  return ip === '' ? port : `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

function portName(spec: string): string {
  const { port, protocol } = parsePort(spec)
  if (port === 0) throw new InvalidArgumentError(`invalid port specification: "${spec}"`)
  return `${String(port)}/${protocol}`
}

/** The published port of a binding that names one. */
function droppedPort(name: string, { HostIp, HostPort }: PortBinding): PublishedPort[] {
  const { port, protocol } = parsePort(name)
  const hostPort = Number(HostPort ?? '')
  return hostPort > 0 ? [{ protocol, containerPort: port, hostIp: HostIp ?? '', hostPort }] : []
}
