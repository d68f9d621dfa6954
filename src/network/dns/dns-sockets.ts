import { closeSync } from 'node:fs'
import { errnoOf, UnavailableError } from '#errors/errors.ts'
import { bind, getsockname, listen, setsockoptInt, socket } from '#kernel/native/native.ts'
import { deleteRedirects, redirectPorts, redirectTables } from '#kernel/nft-redirect.ts'
import { socketAddress } from '../host-ports.ts'
import { EMBEDDED_DNS } from '../sandbox-view.ts'

const AF_INET = 2
const SOCK_DGRAM = 2
const SOCK_STREAM = 1
const SOCK_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000
const REUSEADDR = { level: 1, name: 2 }
const ATTEMPTS = 20

/** The port of the sockets is part of the table's name: a daemon that starts again finds it there. */
const TABLE = /^wharf_dns_(\d+)$/

/** The two sockets of a DNS server, at one port. */
export interface DnsSockets {
  readonly udpFd: number
  readonly tcpFd: number
}

/**
 * Opens the sockets of the embedded DNS in the namespace that the thread is in: at a port that nobody asks for, to which port 53 of 127.0.0.11 is
 * redirected. So a container may run a name server of its own at port 53 of all its addresses.
 *
 * In a namespace that is not `fresh` the redirection of an earlier daemon is kept and its port bound again: no rule changes, nothing waits.
 * @throws UnavailableError when the container leaves no port free.
 */
export function openDnsSockets(options: { readonly fresh: boolean }): DnsSockets {
  if (!options.fresh) {
    const again = openAgain()
    if (again !== null) return again
  }
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const sockets = openAt(0)
    if (sockets === null) continue
    const { udpFd, tcpFd, port } = sockets
    try {
      const to = { address: EMBEDDED_DNS, port: 53, toPort: port }
      redirectPorts(`wharf_dns_${String(port)}`, [
        { ...to, protocol: 'udp' },
        { ...to, protocol: 'tcp' },
      ])
      return { udpFd, tcpFd }
    } catch (error) {
      closeSync(udpFd)
      closeSync(tcpFd)
      throw error
    }
  }
  throw new UnavailableError('no port is free for the embedded DNS server')
}

function openAgain(): DnsSockets | null {
  for (const table of redirectTables()) {
    const port = TABLE.exec(table)?.[1]
    if (port === undefined) continue
    const sockets = openAt(Number(port))
    if (sockets !== null) return sockets
    // Something in the container has taken the port meanwhile.
    deleteRedirects(table)
  }
  return null
}

/** Both sockets at this port (0: at any); null when it is taken. */
function openAt(wanted: number): (DnsSockets & { readonly port: number }) | null {
  const fds: number[] = []
  const open = (type: number, port: number): number => {
    const fd = socket(AF_INET, type | SOCK_CLOEXEC_NONBLOCK, 0)
    fds.push(fd)
    if (type === SOCK_STREAM) setsockoptInt(fd, REUSEADDR, 1)
    bind(fd, socketAddress(EMBEDDED_DNS, port))
    return fd
  }
  try {
    const udpFd = open(SOCK_DGRAM, wanted)
    const port = getsockname(udpFd).readUInt16BE(2)
    const tcpFd = open(SOCK_STREAM, port)
    listen(tcpFd, 128)
    return { udpFd, tcpFd, port }
  } catch (error) {
    for (const fd of fds) closeSync(fd)
    if (errnoOf(error) === 'EADDRINUSE') return null
    throw error
  }
}
