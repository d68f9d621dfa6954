import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/** The name in a client's certificate, which TLS has verified; empty for everybody else. */
export function userOf(socket: Socket): string {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return ''
  const name = socket.getPeerCertificate().subject?.CN
  return (Array.isArray(name) ? name[0] : name) ?? ''
}

/** Who is at the other end of a connection, for the log. Every client of a unix socket is root or of its group. */
export function callerOf(socket: Socket): string {
  if (socket instanceof TLSSocket) return `tls:${userOf(socket)}@${socket.remoteAddress ?? ''}`
  return socket.remoteAddress === undefined ? 'unix' : `tcp:${socket.remoteAddress}`
}
