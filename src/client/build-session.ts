import type { Socket } from 'node:net'
import { messageOf, UnavailableError } from '#errors/errors.ts'
import {
  MAX_SESSION_LINE_BYTES,
  type SessionCall,
  type SessionHello,
  type SessionRefusal,
} from '#spec/build-session.ts'
import type { Transport } from './transport.ts'

/** A call can not be answered: there is no such thing here. */
export class SessionMissingError extends Error {}

/** Serves one call on its connection, which is closed afterwards. */
export type SessionAnswer = (connection: Socket) => Promise<void>

/**
 * Decides how a call is answered, before a connection is made for it.
 * @throws SessionMissingError, or any error, whose message the daemon is told
 */
export type SessionAnswers = (call: SessionCall) => Promise<SessionAnswer>

/** An open session: `id` goes with the build that it is for. */
export interface BuildSession extends AsyncDisposable {
  readonly id: string
  /** What went wrong while a call was answered, the first time; null so far. */
  failure(): Error | null
}

/** Opens the side channel of a build and answers what the daemon asks until it is disposed of. */
export async function openBuildSession(transport: Transport, answers: SessionAnswers): Promise<BuildSession> {
  const { socket, rest } = await transport.hijack('/build/session', { method: 'POST' })
  const lines = jsonLines(socket, rest)
  const hello = (await lines.next()).value as SessionHello | undefined
  if (hello === undefined) throw new UnavailableError('the daemon closed the build session')
  const running = new Set<Promise<void>>()
  let failure: Error | null = null
  const serve = async (): Promise<void> => {
    for await (const call of lines as AsyncIterable<SessionCall>) {
      const work = answer(call).catch((error: unknown) => {
        failure ??= error instanceof Error ? error : new Error(String(error))
      })
      running.add(work)
      void work.finally(() => running.delete(work))
    }
  }
  const answer = async (call: SessionCall): Promise<void> => {
    let work: SessionAnswer
    try {
      work = await answers(call)
    } catch (error) {
      const missing = error instanceof SessionMissingError
      const refusal: SessionRefusal = { call: call.call, error: messageOf(error), missing }
      socket.write(`${JSON.stringify(refusal)}\n`)
      return
    }
    const path = `/build/session/${hello.session}/${call.call}`
    const { socket: connection, rest: first } = await transport.hijack(path, { method: 'POST' })
    if (first.length > 0) connection.unshift(first)
    connection.on('error', () => connection.destroy())
    // The end of what comes is not the end of what goes.
    connection.allowHalfOpen = true
    await work(connection)
  }
  const serving = serve().catch(() => undefined)
  return {
    id: hello.session,
    failure: () => failure,
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(running)
      socket.destroy()
      await serving
    },
  }
}

async function* jsonLines(socket: Socket, first: Buffer): AsyncGenerator<unknown> {
  let rest = ''
  const cut = function* (text: string): Generator<unknown> {
    rest += text
    const parts = rest.split('\n')
    rest = parts.pop() as string
    for (const part of parts) yield JSON.parse(part)
    if (rest.length > MAX_SESSION_LINE_BYTES) throw new UnavailableError('malformed build session')
  }
  yield* cut(first.toString('utf8'))
  for await (const chunk of socket) yield* cut((chunk as Buffer).toString('utf8'))
}
