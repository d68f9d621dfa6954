import { InvalidArgumentError } from '#errors/errors.ts'
import type { Backends, DiskUsageKinds } from '../backends.ts'
import { bodyObject, parseMoment } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import type { ApiResponse } from '../http/response.ts'
import type { Router } from '../http/router.ts'
import { shapeDiskUsage } from '../shapes/disk-usage.ts'
import { decode, fields } from '../shapes/schema.ts'
import { shapeEvent, shapeInfo, shapeVersion } from '../shapes/system.ts'

/** What is asked of the daemon itself. */
export function addSystemRoutes(router: Router, backends: Backends): void {
  const { system } = backends
  const ping = (response: ApiResponse): void => {
    response.header('Builder-Version', backends.builds.builderVersion)
    response.header('Cache-Control', 'no-cache, no-store, must-revalidate')
    response.header('Pragma', 'no-cache')
    response.header('Swarm', 'inactive')
  }
  router
    .add('GET', '/_ping', (_request, response) => {
      ping(response)
      response.text(200, 'OK')
    })
    .add('HEAD', '/_ping', (_request, response) => {
      ping(response)
      response.header('Content-Type', 'text/plain; charset=utf-8')
      response.empty(200)
    })
    .add('GET', '/version', async (_request, response) => {
      response.json(200, shapeVersion(await system.version()))
    })
    .add('GET', '/info', async (request, response) => {
      response.json(200, shapeInfo(await system.info(), request.version))
    })
    .add('GET', '/events', (request, response) => sendEvents(backends, request, response))
    .add('GET', '/system/df', async (request, response) => {
      const usage = await system.diskUsage(diskUsageKinds(request))
      const verbose = request.query.boolean('verbose')
      response.json(200, shapeDiskUsage(usage, { version: request.version, verbose }))
    })
    .add('GET', '/wharf/data-usage', async (request, response) => {
      response.json(200, await system.dataUsage({ signal: request.signal }))
    })
    .add('POST', '/wharf/check', async (request, response) => {
      const repair = request.query.boolean('repair')
      response.json(200, { Problems: await system.check({ repair, signal: request.signal }) })
    })
    .add('POST', '/auth', async (request, response) => {
      const auth = decode<object>(
        {
          object: fields(
            'string',
            'username',
            'password',
            'email',
            'serveraddress',
            'identitytoken',
            'registrytoken',
          ),
        },
        await bodyObject(request),
      )
      response.json(200, await backends.distribution.login(auth, { signal: request.signal }))
    })
}

async function sendEvents(backends: Backends, request: ApiRequest, response: ApiResponse): Promise<void> {
  const { query } = request
  const since = parseMoment(query.text('since'))
  const until = parseMoment(query.text('until'))
  if (since !== null && until !== null && until < since) {
    throw new InvalidArgumentError(
      `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`,
    )
  }
  const events = backends.system.events({ since, until, filters: request.filters(), signal: request.signal })
  response.start(200, 'application/json')
  for await (const event of events)
    await response.write(JSON.stringify(shapeEvent(event, request.version)) + '\n')
  response.end()
}

const KINDS = {
  container: 'containers',
  image: 'images',
  volume: 'volumes',
  'build-cache': 'buildCache',
} as const

function diskUsageKinds(request: ApiRequest): DiskUsageKinds {
  const asked = request.version >= 42 ? request.query.all('type') : []
  const kinds = { containers: false, images: false, volumes: false, buildCache: false }
  for (const name of asked.length === 0 ? Object.keys(KINDS) : asked) {
    if (!Object.hasOwn(KINDS, name)) throw new InvalidArgumentError(`unknown object type: ${name}`)
    kinds[KINDS[name as keyof typeof KINDS]] = true
  }
  return kinds
}
