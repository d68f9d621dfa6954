import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { stdcopyFrame } from '#spec/docker/stdcopy.ts'
import type { StdioSession } from '#spec/docker/streams.ts'
import type { ExecBackend } from '../backends.ts'
import { bodyObject, terminalSize } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import { MULTIPLEXED_STREAM, RAW_STREAM } from '../http/response.ts'
import type { ApiResponse } from '../http/response.ts'
import type { Router } from '../http/router.ts'
import { readExecCreate, readExecStart } from '../shapes/exec.ts'
import { parseDetachKeys } from '../streams/detach-keys.ts'
import { serveStdio } from '../streams/serve-stdio.ts'

/** Further processes in containers. */
export function addExecRoutes(router: Router, execs: ExecBackend): void {
  router
    .add('POST', '/containers/:id*/exec', async (request, response) => {
      const create = readExecCreate(await bodyObject(request), request.version)
      parseDetachKeys(create.DetachKeys ?? null)
      response.json(201, await execs.create(request.param('id'), create))
    })
    .add('POST', '/exec/:id/start', (request, response) => start(execs, request, response))
    .add('POST', '/exec/:id/resize', async (request, response) => {
      await execs.resize(request.param('id'), terminalSize(request))
      response.empty(200)
    })
    .add('GET', '/exec/:id/json', async (request, response) => {
      response.json(200, await execs.inspect(request.param('id')))
    })
}

async function start(execs: ExecBackend, request: ApiRequest, response: ApiResponse): Promise<void> {
  const id = request.param('id')
  const { Detach, Tty, ConsoleSize } = readExecStart(await bodyObject(request), request.version)
  // Unknown execs are an ordinary error; what fails after this is told on the stream, as dockerd does.
  const detachKeys = parseDetachKeys(execs.detachKeys(id))
  const tty = Tty === true
  if (ConsoleSize !== null && !tty && ConsoleSize !== undefined) {
    throw new InvalidArgumentError('console size is only supported when TTY is true')
  }
  const [rows, columns] = ConsoleSize ?? []
  const options = {
    tty,
    consoleSize: rows === undefined || columns === undefined ? null : ([rows, columns] as const),
    signal: request.signal,
  }
  if (Detach === true) {
    await execs.startDetached(id, options)
    response.empty(200)
    return
  }
  const type = !tty && request.version >= 42 ? MULTIPLEXED_STREAM : RAW_STREAM
  const connection = response.hijack({ type: request.headers.upgrade === undefined ? RAW_STREAM : type })
  let session: StdioSession
  try {
    session = await execs.start(id, options)
  } catch (error) {
    const text = Buffer.from(`${messageOf(error)}\r\n`)
    connection.on('error', () => connection.destroy())
    connection.resume()
    connection.end(tty ? text : stdcopyFrame('stdout', text), () => connection.destroy())
    throw error
  }
  // What the start asks for decides the framing, whatever terminal the exec has.
  await serveStdio(session, connection, { multiplexed: !tty, detachKeys })
}
