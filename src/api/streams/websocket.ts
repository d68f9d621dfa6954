import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, createWebSocketStream } from 'ws'

/** The largest message a client may send: what it types. */
const MESSAGE_LIMIT_BYTES = 16 * 1024 * 1024

const acceptor = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_LIMIT_BYTES })

/** Completes the handshake and gives the connection as a stream of the messages' bytes. */
export function acceptWebSocket(
  request: IncomingMessage,
  options: { readonly binary: boolean },
): Promise<Duplex> {
  return new Promise((resolve) => {
    acceptor.handleUpgrade(request, request.socket, Buffer.alloc(0), (socket) => {
      // Text until 1.28, binary since (Engine API changelog).
      resolve(createWebSocketStream(socket, options.binary ? {} : { encoding: 'utf8', decodeStrings: false }))
    })
  })
}
