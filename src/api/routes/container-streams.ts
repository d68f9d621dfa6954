import { InvalidArgumentError } from '#errors/errors.ts'
import type { ContainerAttachOptions } from '#spec/docker/options.ts'
import type { ContainerStreams } from '../backends.ts'
import { parseMoment, terminalSize } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import { MULTIPLEXED_STREAM, RAW_STREAM } from '../http/response.ts'
import type { ApiResponse } from '../http/response.ts'
import type { Router } from '../http/router.ts'
import { parseDetachKeys } from '../streams/detach-keys.ts'
import { serveStdio } from '../streams/serve-stdio.ts'
import { acceptWebSocket } from '../streams/websocket.ts'

/** The standard streams of containers. */
export function addContainerStreamRoutes(router: Router, containers: ContainerStreams): void {
  router
    .add('POST', '/containers/:id*/attach', (request, response) => attach(containers, request, response))
    .add('GET', '/containers/:id*/attach/ws', (request, response) =>
      attachWebSocket(containers, request, response),
    )
    .add('POST', '/containers/:id*/resize', async (request, response) => {
      await containers.resize(request.param('id'), terminalSize(request))
      response.empty(200)
    })
    .add('GET', '/containers/:id*/logs', (request, response) => sendLogs(containers, request, response))
}

async function attach(
  containers: ContainerStreams,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const detachKeys = parseDetachKeys(request.query.text('detachKeys'))
  const session = await containers.attach(request.param('id'), attachOptions(request))
  const multiplexed = !session.tty
  const isDeclared = multiplexed && request.version >= 42 && request.headers.upgrade !== undefined
  const connection = response.hijack({ type: isDeclared ? MULTIPLEXED_STREAM : RAW_STREAM })
  await serveStdio(session, connection, { multiplexed, detachKeys })
}

/** No frames here: a message holds bytes of either stream (API "Attach to a container via a websocket"). */
async function attachWebSocket(
  containers: ContainerStreams,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  if (request.header('upgrade').toLowerCase() !== 'websocket') {
    throw new InvalidArgumentError('not websocket protocol')
  }
  const detachKeys = parseDetachKeys(request.query.text('detachKeys'))
  const session = await containers.attach(request.param('id'), attachOptions(request))
  response.release()
  const connection = await acceptWebSocket(request.incoming, { binary: request.version >= 28 })
  await serveStdio(session, connection, { multiplexed: false, detachKeys })
}

function attachOptions(request: ApiRequest): ContainerAttachOptions {
  const { query } = request
  return {
    stdin: query.boolean('stdin'),
    stdout: query.boolean('stdout'),
    stderr: query.boolean('stderr'),
    logs: query.boolean('logs'),
    stream: query.boolean('stream'),
    detachKeys: query.text('detachKeys') || null,
    signal: request.signal,
  }
}

async function sendLogs(
  containers: ContainerStreams,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { query } = request
  const stdout = query.boolean('stdout')
  const stderr = query.boolean('stderr')
  if (!stdout && !stderr) {
    throw new InvalidArgumentError('Bad parameters: you must choose at least one stream')
  }
  const tail = Number(query.text('tail') || 'all')
  const logs = await containers.logs(request.param('id'), {
    stdout,
    stderr,
    follow: query.boolean('follow'),
    timestamps: query.boolean('timestamps'),
    details: query.boolean('details'),
    since: parseMoment(query.text('since')),
    until: parseMoment(query.text('until')),
    // Anything but a number means all, as in dockerd.
    tail: Number.isSafeInteger(tail) && tail >= 0 ? tail : null,
    signal: request.signal,
  })
  response.start(200, !logs.tty && request.version >= 42 ? MULTIPLEXED_STREAM : RAW_STREAM)
  for await (const chunk of logs.chunks) {
    await response.write(chunk)
    if (request.signal.aborted) break
  }
  response.end()
}
