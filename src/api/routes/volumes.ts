import { UnavailableError } from '#errors/errors.ts'
import type { VolumeBackend } from '../backends.ts'
import { bodyObject } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import type { Router } from '../http/router.ts'
import { readVolumeCreate } from '../shapes/volume.ts'

/** Volumes. */
export function addVolumeRoutes(router: Router, volumes: VolumeBackend): void {
  router
    .add('GET', '/volumes', async (request, response) => {
      response.json(200, await volumes.list(request.filters()))
    })
    .add('POST', '/volumes/create', async (request, response) => {
      response.json(201, await volumes.create(readVolumeCreate(await bodyObject(request))))
    })
    .add('POST', '/volumes/prune', async (request, response) => {
      response.json(
        200,
        await volumes.prune(request.filters(), { anonymousOnly: prunesAnonymousOnly(request) }),
      )
    })
    .add('GET', '/volumes/:name*', async (request, response) => {
      response.json(200, await volumes.inspect(request.param('name')))
    })
    .add('PUT', '/volumes/:name*', () => {
      throw new UnavailableError('volume update only valid for cluster volumes, but swarm is unavailable')
    })
    .add('DELETE', '/volumes/:name*', async (request, response) => {
      await volumes.remove(request.param('name'), { force: request.query.boolean('force') })
      response.empty(204)
    })
}

/** Since 1.42 a prune spares named volumes unless the filter `all` says otherwise. */
function prunesAnonymousOnly(request: ApiRequest): boolean {
  if (request.version < 42) return false
  const all = request.filters().get('all')?.[0]?.toLowerCase()
  return all !== 'true' && all !== '1'
}
