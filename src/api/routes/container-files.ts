import { InvalidArgumentError } from '#errors/errors.ts'
import type { PathStat } from '#spec/docker/options.ts'
import type { ContainerFiles } from '../backends.ts'
import type { ApiRequest } from '../http/request.ts'
import type { Router } from '../http/router.ts'

/** Files in and out of containers (`docker cp`, `docker export`). */
export function addContainerFileRoutes(router: Router, containers: ContainerFiles): void {
  router
    .add('GET', '/containers/:id*/export', async (request, response) => {
      const tar = await containers.export(request.param('id'), { signal: request.signal })
      await response.stream(200, 'application/octet-stream', tar)
    })
    .add('HEAD', '/containers/:id*/archive', async (request, response) => {
      const stat = await containers.statPath(request.param('id'), requirePath(request))
      response.header('X-Docker-Container-Path-Stat', statHeader(stat))
      response.empty(200)
    })
    .add('GET', '/containers/:id*/archive', async (request, response) => {
      const path = requirePath(request)
      const { stat, tar } = await containers.getArchive(request.param('id'), path, { signal: request.signal })
      response.header('X-Docker-Container-Path-Stat', statHeader(stat))
      await response.stream(200, 'application/x-tar', tar)
    })
    .add('PUT', '/containers/:id*/archive', async (request, response) => {
      await containers.putArchive(request.param('id'), requirePath(request), request.body, {
        noOverwriteDirNonDir: request.query.boolean('noOverwriteDirNonDir'),
        copyUidGid: request.query.boolean('copyUIDGID'),
        signal: request.signal,
      })
      response.empty(200)
    })
}

function requirePath(request: ApiRequest): string {
  const path = request.query.text('path')
  if (path === '') throw new InvalidArgumentError('bad parameter: pathcannot be empty')
  return path
}

function statHeader(stat: PathStat): string {
  return Buffer.from(JSON.stringify(stat)).toString('base64')
}
