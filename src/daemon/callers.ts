import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

/**
 * Who is at the other end of a connection, for the log: the name in a client's certificate, or its address. Every
 * client of a unix socket is root or of the socket's group.
 */
export function callerOf(socket: Socket): string {
  if (socket instanceof TLSSocket) {
    const subject = socket.getPeerCertificate().subject?.CN
    const name = Array.isArray(subject) ? subject[0] : subject
    return `tls:${name ?? ''}@${socket.remoteAddress ?? ''}`
  }
  return socket.remoteAddress === undefined ? 'unix' : `tcp:${socket.remoteAddress}`
}
