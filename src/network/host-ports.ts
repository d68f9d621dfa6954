import { closeSync, readFileSync } from 'node:fs'
import { errnoOf, WharfError } from '#errors/errors.ts'
import { bind, listen, setsockoptInt, socket } from '#kernel/native/native.ts'
import { addressBytes, parseAddress } from './cidr.ts'
import type { PortProtocol, PortWish } from './port-spec.ts'
import type { PublishedPort } from './port-spec.ts'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26
const SOL_SOCKET = 1
const SO_REUSEADDR = 2

/** Why a port could not be published, in Docker's words (500). */
export class PublishError extends WharfError {
  readonly code = 'kernel'
}

/** A host port that is ours until it is released. */
export interface HeldPort {
  readonly port: PublishedPort
  /** The socket that keeps others from binding the port; null where the kernel has no sockets of this protocol. */
  readonly fd: number | null
}

/**
 * Host ports of all containers of the daemon. Each is held by a bound socket, so that a program of the host that wants it fails, and so
 * that a port of a program of the host cannot be published.
 */
export class HostPorts {
  readonly #held = new Map<string, HeldPort>()
  /** By protocol and port: the host addresses it is published at. */
  readonly #addresses = new Map<string, Set<string>>()
  readonly #serves: (hostIp: string) => boolean
  #next = 0

  /** @param options.serves tells whether somebody will listen on the sockets of TCP ports at this address. */
  constructor(options: { readonly serves: (hostIp: string) => boolean }) {
    this.#serves = options.serves
  }

  /**
   * Holds a host port for a wish at all of these host addresses: the same port at each.
   * @throws PublishError when it is taken.
   */
  allocate(
    wish: PortWish,
    hostIps: readonly string[],
    options: { readonly relayed: boolean } = { relayed: false },
  ): PublishedPort[] {
    const range = wish.hostPorts ?? dynamicRange()
    const count = range.last - range.first + 1
    const dynamic = wish.hostPorts === null
    const start = dynamic ? Math.max(this.#next, range.first) - range.first : 0
    let failure: unknown = null
    for (let step = 0; step < count; step++) {
      const hostPort = range.first + ((start + step) % count)
      const ports = hostIps.map((hostIp) => ({
        protocol: wish.protocol,
        containerPort: wish.containerPort,
        hostIp,
        hostPort,
        ...(options.relayed ? { relayed: true } : {}),
      }))
      try {
        this.hold(ports)
      } catch (error) {
        failure ??= error
        continue
      }
      if (dynamic) this.#next = hostPort + 1
      return ports
    }
    throw count === 1 || !dynamic ? failure : new PublishError('all ports are allocated')
  }

  /** Holds exactly these, all or none. @throws PublishError. */
  hold(ports: readonly PublishedPort[]): void {
    const done: PublishedPort[] = []
    try {
      for (const port of ports) {
        this.#holdOne(port)
        done.push(port)
      }
    } catch (error) {
      for (const port of done) this.release(port)
      throw error
    }
  }

  /** The socket that holds a port. */
  socketOf(port: PublishedPort): number | null {
    return this.#held.get(keyOf(port))?.fd ?? null
  }

  /** Hands the socket of a port to somebody who closes it. */
  takeSocket(port: PublishedPort): number | null {
    const held = this.#held.get(keyOf(port))
    if (held === undefined) return null
    this.#held.set(keyOf(port), { port, fd: null })
    return held.fd
  }

  release(port: PublishedPort): void {
    const held = this.#held.get(keyOf(port))
    if (held === undefined) return
    this.#held.delete(keyOf(port))
    const addresses = this.#addresses.get(portKey(port))
    addresses?.delete(port.hostIp)
    if (addresses?.size === 0) this.#addresses.delete(portKey(port))
    if (held.fd !== null) closeSync(held.fd)
  }

  /** Closes all sockets. What is published stays. */
  close(): void {
    for (const { fd } of this.#held.values()) if (fd !== null) closeSync(fd)
    this.#held.clear()
    this.#addresses.clear()
  }

  #holdOne(port: PublishedPort): void {
    const addresses = this.#addresses.get(portKey(port)) ?? new Set<string>()
    for (const other of addresses) {
      if (clashes(port.hostIp, other)) {
        throw new PublishError(`Bind for ${hostPort(port)} failed: port is already allocated`)
      }
    }
    // Connections that the proxy took must not keep the port from being published again.
    const served = port.relayed === true || this.#serves(port.hostIp)
    const fd = bindPort(port, served && port.protocol === 'tcp')
    this.#held.set(keyOf(port), { port, fd })
    this.#addresses.set(portKey(port), addresses.add(port.hostIp))
  }
}

function bindPort(port: PublishedPort, served: boolean): number | null {
  try {
    return openBound(port, { reuse: served })
  } catch (error) {
    // Connections of a program that is gone (TIME_WAIT) are in the way of a strict bind. A socket that may reuse their port must listen: else
    // others, which may reuse as well, could bind it too.
    if (errnoOf(error) !== 'EADDRINUSE' || port.protocol !== 'tcp' || served) throw refusal(port, error)
  }
  try {
    return openBound(port, { reuse: true })
  } catch (error) {
    throw refusal(port, error)
  }
}

function openBound(port: PublishedPort, options: { readonly reuse: boolean }): number | null {
  const family = port.hostIp.includes(':') ? AF_INET6 : AF_INET
  const [type, protocol] = SOCKETS[port.protocol]
  let fd: number
  try {
    fd = socket(family, type | SOCK_CLOEXEC_NONBLOCK, protocol)
  } catch (error) {
    // This kernel has no SCTP sockets (and so no program that could want the port), or no IPv6.
    if (['EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'EAFNOSUPPORT'].includes(errnoOf(error) ?? '')) return null
    throw error
  }
  try {
    if (family === AF_INET6) setsockoptInt(fd, { level: IPPROTO_IPV6, name: IPV6_V6ONLY }, 1)
    if (options.reuse) setsockoptInt(fd, { level: SOL_SOCKET, name: SO_REUSEADDR }, 1)
    bind(fd, socketAddress(port.hostIp, port.hostPort))
    if (options.reuse) listen(fd, 128)
    return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function refusal(port: PublishedPort, cause: unknown): PublishError {
  const errno = errnoOf(cause)
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'address already in use',
    EADDRNOTAVAIL: 'cannot assign requested address',
  }
  const reason = reasons[errno ?? ''] ?? String(errno)
  return new PublishError(`failed to bind host port ${hostPort(port)}/${port.protocol}: ${reason}`, { cause })
}

const SOCKETS: Readonly<Record<PortProtocol, readonly [type: number, protocol: number]>> = {
  tcp: [1, 6],
  udp: [2, 17],
  sctp: [1, 132],
}

/** The struct sockaddr_in or sockaddr_in6 of an address and a port. */
export function socketAddress(ip: string, port: number): Buffer {
  const address = parseAddress(ip)
  const bytes = Buffer.alloc(address.family === 4 ? 16 : 28)
  bytes.writeUInt16LE(address.family === 4 ? AF_INET : AF_INET6)
  bytes.writeUInt16BE(port, 2)
  bytes.set(addressBytes(address), address.family === 4 ? 4 : 8)
  return bytes
}

/** The range of ports that are given when nobody says which (ip_local_port_range, as Docker). */
function dynamicRange(): { readonly first: number; readonly last: number } {
  const [first = 32768, last = 60999] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number)
  return { first, last }
}

function clashes(one: string, other: string): boolean {
  if (one.includes(':') !== other.includes(':')) return false
  return one === other || [one, other].some((ip) => ip === '0.0.0.0' || ip === '::')
}

function hostPort(port: PublishedPort): string {
  return `${port.hostIp.includes(':') ? `[${port.hostIp}]` : port.hostIp}:${String(port.hostPort)}`
}

function portKey(port: PublishedPort): string {
  return `${port.protocol}/${String(port.hostPort)}`
}

function keyOf(port: PublishedPort): string {
  return `${portKey(port)}/${port.hostIp}`
}
