import { InvalidArgumentError } from '#errors/errors.ts'
import type { WaitCondition } from '#spec/docker/options.ts'
import type { ContainerLifecycle, ContainerQueries } from '../backends.ts'
import { bodyObject, parsePlatform } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import type { ApiResponse } from '../http/response.ts'
import type { Router } from '../http/router.ts'
import { readContainerCreate } from '../shapes/container-create.ts'
import { readUpdate } from '../shapes/container-update.ts'
import { shapeContainer, shapeContainerSummary, shapeStats } from '../shapes/container.ts'

/** Containers as objects: made, looked at, changed, removed. */
export function addContainerRoutes(router: Router, containers: ContainerLifecycle & ContainerQueries): void {
  router
    .add('GET', '/containers/json', async (request, response) => {
      const { query, version } = request
      const limit = query.integer('limit')
      const list = await containers.list({
        all: query.boolean('all'),
        limit: limit !== null && limit > 0 ? limit : null,
        size: query.boolean('size'),
        filters: request.filters(),
      })
      response.json(
        200,
        list.map((summary) => shapeContainerSummary(summary, version)),
      )
    })
    .add('POST', '/containers/create', async (request, response) => {
      const body = await bodyObject(request)
      // What the host and the networks are to give is not yet a container.
      if (Object.keys(body).every((key) => key === 'HostConfig' || key === 'NetworkingConfig'))
        throw new InvalidArgumentError('config cannot be empty in order to create a container')
      const created = await containers.create(readContainerCreate(body, request.version), {
        name: request.query.text('name').replace(/^\//, ''),
        platform: request.version >= 41 ? parsePlatform(request.query.text('platform')) : null,
        readOnlyNonRecursive: request.version < 44,
      })
      response.json(201, created)
    })
    .add('POST', '/containers/prune', async (request, response) => {
      response.json(200, await containers.prune(request.filters()))
    })
    .add('GET', '/containers/:id*/json', async (request, response) => {
      const found = await containers.inspect(request.param('id'), { size: request.query.boolean('size') })
      response.json(200, shapeContainer(found, request.version))
    })
    .add('GET', '/containers/:id*/top', async (request, response) => {
      response.json(200, await containers.top(request.param('id'), request.query.text('ps_args')))
    })
    .add('GET', '/containers/:id*/changes', async (request, response) => {
      response.json(200, await containers.changes(request.param('id')))
    })
    .add('GET', '/containers/:id*/stats', (request, response) => sendStats(containers, request, response))
    .add('POST', '/containers/:id*/start', async (request, response) => {
      const length = Number(request.header('content-length') || '0')
      // Very old clients send `null` or `{}` here.
      if (length > 7 || request.header('transfer-encoding') !== '') {
        throw new InvalidArgumentError(
          'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
        )
      }
      const { query } = request
      const name = query.text('checkpoint')
      await containers.start(request.param('id'), {
        detachKeys: query.text('detachKeys') || null,
        checkpoint: name === '' ? null : { name, directory: query.text('checkpoint-dir') },
      })
      response.empty(204)
    })
    .add('POST', '/containers/:id*/stop', async (request, response) => {
      await containers.stop(request.param('id'), stopOptions(request))
      response.empty(204)
    })
    .add('POST', '/containers/:id*/restart', async (request, response) => {
      await containers.restart(request.param('id'), stopOptions(request))
      response.empty(204)
    })
    .add('POST', '/containers/:id*/kill', async (request, response) => {
      await containers.kill(request.param('id'), request.query.text('signal'))
      response.empty(204)
    })
    .add('POST', '/containers/:id*/pause', async (request, response) => {
      await containers.pause(request.param('id'))
      response.empty(204)
    })
    .add('POST', '/containers/:id*/unpause', async (request, response) => {
      await containers.unpause(request.param('id'))
      response.empty(204)
    })
    .add('POST', '/containers/:id*/rename', async (request, response) => {
      await containers.rename(request.param('id'), request.query.text('name').replace(/^\//, ''))
      response.empty(204)
    })
    .add('POST', '/containers/:id*/update', async (request, response) => {
      const update = readUpdate(await bodyObject(request), request.version)
      response.json(200, await containers.update(request.param('id'), update))
    })
    .add('POST', '/containers/:id*/wait', (request, response) => wait(containers, request, response))
    // Several segments: `link=1` names a link, `parent/alias`.
    .add('DELETE', '/containers/:id*', async (request, response) => {
      await containers.remove(request.param('id'), {
        force: request.query.boolean('force'),
        removeVolumes: request.query.boolean('v'),
        removeLink: request.query.boolean('link'),
      })
      response.empty(204)
    })
}

function stopOptions(request: ApiRequest): { timeoutSeconds: number | null; signal: string | null } {
  return {
    timeoutSeconds: request.query.integer('t'),
    signal: request.version >= 42 ? request.query.text('signal') || null : null,
  }
}

/** Sends the head as soon as the waiter is registered: `docker run` starts the container only then. */
async function wait(
  containers: ContainerLifecycle,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const { result } = await containers.wait(request.param('id'), waitCondition(request), {
    signal: request.signal,
  })
  if (request.version < 30) {
    response.json(200, await result)
    return
  }
  response.start(200, 'application/json')
  await response.write(JSON.stringify(await result) + '\n')
  response.end()
}

function waitCondition(request: ApiRequest): WaitCondition {
  const condition = request.version >= 30 ? request.query.text('condition') : ''
  switch (condition) {
    case '':
      return 'not-running'
    case 'not-running':
    case 'next-exit':
    case 'removed':
      return condition
    default:
      throw new InvalidArgumentError(`invalid condition: ${JSON.stringify(condition)}`)
  }
}

async function sendStats(
  containers: ContainerQueries,
  request: ApiRequest,
  response: ApiResponse,
): Promise<void> {
  const stream = request.query.boolean('stream', true)
  const figures = await containers.stats(request.param('id'), {
    stream,
    oneShot: !stream && request.version >= 41 && request.query.boolean('one-shot'),
    signal: request.signal,
  })
  response.start(200, 'application/json')
  for await (const figure of figures) {
    await response.write(JSON.stringify(shapeStats(figure, request.version)) + '\n')
  }
  response.end()
}
