import type { Duplex } from 'node:stream'
import { STDCOPY_HEAD_BYTES, stdcopyHead } from '#spec/docker/stdcopy.ts'
import type { StdioSession } from '#spec/docker/streams.ts'
import { DetachScanner } from './detach-keys.ts'

export interface ServeStdioOptions {
  /** Frames with heads, as opposed to bytes as they came. */
  readonly multiplexed: boolean
  /** Looked for in the input when there is a terminal. */
  readonly detachKeys: readonly number[]
}

/**
 * Joins a client's connection with the standard streams of a process until either ends. The end of the client's
 * input is the end of stdin; the output goes on. Closes the connection. Never throws: the client is told by the end.
 */
export async function serveStdio(
  session: StdioSession,
  connection: Duplex,
  options: ServeStdioOptions,
): Promise<void> {
  connection.on('error', () => connection.destroy())
  takeInput(session, connection, options)
  try {
    for await (const { stream, bytes } of session.frames) {
      if (connection.destroyed) break
      if (bytes.byteLength === 0) continue
      await send(connection, options.multiplexed ? stdcopyHead(stream, bytes.byteLength) : null, bytes)
    }
  } catch {
    // The frames end with an error when the request was aborted or its process cannot be reached: nothing to say.
  }
  await endConnection(connection)
}

function takeInput(session: StdioSession, connection: Duplex, options: ServeStdioOptions): void {
  const { stdin } = session
  if (stdin === null) {
    // Read and dropped, so that the end of the connection is noticed.
    connection.resume()
    return
  }
  stdin.on('error', () => {
    // The process has closed its stdin or is gone; its output tells the client.
  })
  const scanner = session.tty ? new DetachScanner(options.detachKeys) : null
  connection.on('data', (chunk: Buffer) => {
    const bytes = scanner === null ? chunk : scanner.scan(chunk)
    if (bytes.byteLength > 0 && stdin.writable && !stdin.write(bytes)) {
      connection.pause()
      stdin.once('drain', () => connection.resume())
    }
    if (scanner?.isDetached === true) {
      connection.removeAllListeners('data')
      session.detach()
    }
  })
  const end = (): void => {
    if (stdin.writable) stdin.end()
  }
  // A client with nothing to say may have ended its half while the process was still being made.
  if (connection.readableEnded) end()
  else connection.once('end', end)
  connection.once('close', () => stdin.destroy())
}

async function send(connection: Duplex, head: Buffer | null, bytes: Uint8Array): Promise<void> {
  let hasRoom: boolean
  if (head === null) hasRoom = connection.write(bytes)
  else if (bytes.byteLength < 16 * 1024) {
    // One small write instead of two: a client that reads once then gets the whole frame.
    const frame = Buffer.allocUnsafe(STDCOPY_HEAD_BYTES + bytes.byteLength)
    head.copy(frame)
    frame.set(bytes, STDCOPY_HEAD_BYTES)
    hasRoom = connection.write(frame)
  } else {
    connection.write(head)
    hasRoom = connection.write(bytes)
  }
  if (hasRoom || connection.destroyed) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      connection.off('drain', done)
      connection.off('close', done)
      resolve()
    }
    connection.on('drain', done)
    connection.on('close', done)
  })
}

/** What was written is sent before the connection closes; the client's own half is not waited for. */
async function endConnection(connection: Duplex): Promise<void> {
  if (connection.destroyed) return
  await new Promise<void>((resolve) => {
    connection.once('close', resolve)
    connection.end(() => connection.destroy())
  })
}
