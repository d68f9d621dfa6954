import { InvalidArgumentError } from '#errors/errors.ts'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { Backends } from '../backends.ts'
import { bodyObjectOrNull, parsePlatform, registryAuth } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import type { Router } from '../http/router.ts'
import { containerConfigFields } from '../shapes/container-schema.ts'
import { shapeImage, shapeImageSummary } from '../shapes/image.ts'
import { decode } from '../shapes/schema.ts'

/** Images as objects: looked at, named, removed, made from containers. */
export function addImageRoutes(router: Router, backends: Backends): void {
  const { images } = backends
  router
    .add('GET', '/images/json', async (request, response) => {
      const { query, version } = request
      const list = await images.list({
        all: query.boolean('all'),
        filters: imageFilters(request),
        sharedSize: version >= 42 && query.boolean('shared-size'),
        manifests: version >= 47 && query.boolean('manifests'),
        identity: version >= 54 && query.boolean('identity'),
      })
      response.json(
        200,
        list.map((image) => shapeImageSummary(image, version)),
      )
    })
    .add('POST', '/images/prune', async (request, response) => {
      response.json(200, await images.prune(request.filters()))
    })
    .add('GET', '/images/:name*/json', async (request, response) => {
      const { query, version } = request
      const platform = version >= 49 ? parsePlatform(query.text('platform')) : null
      const manifests = version >= 48 && query.boolean('manifests')
      if (platform !== null && manifests) {
        throw new InvalidArgumentError(
          'conflicting options: manifests and platform options cannot both be set',
        )
      }
      response.json(
        200,
        shapeImage(await images.inspect(request.param('name'), { platform, manifests }), version),
      )
    })
    .add('GET', '/images/:name*/history', async (request, response) => {
      const platform = request.version >= 48 ? parsePlatform(request.query.text('platform')) : null
      response.json(200, await images.history(request.param('name'), { platform }))
    })
    .add('GET', '/wharf/images/:name*/layers', async (request, response) => {
      const platform = parsePlatform(request.query.text('platform'))
      response.json(200, await images.layersOf(request.param('name'), { platform }))
    })
    .add('GET', '/wharf/images/:name*/files', async (request, response) => {
      const files = await images.layerFiles(request.param('name'), {
        layer: request.query.integer('layer') ?? 0,
        platform: parsePlatform(request.query.text('platform')),
        signal: request.signal,
      })
      await response.stream(200, 'application/x-ndjson', files)
    })
    .add('GET', '/images/:name*/attestations', async (request, response) => {
      const { query } = request
      const platforms = query.all('platform')
      if (platforms.length > 1) throw new InvalidArgumentError('only one platform value is accepted')
      const statements = await images.attestations(request.param('name'), {
        platform: parsePlatform(platforms[0] ?? ''),
        types: query.all('type'),
        withStatement: query.boolean('statement'),
      })
      response.json(200, statements)
    })
    .add('POST', '/images/:name*/tag', async (request, response) => {
      await images.tag(request.param('name'), {
        repository: request.query.text('repo'),
        tag: request.query.text('tag'),
      })
      response.empty(201)
    })
    .add('DELETE', '/images/:name*', async (request, response) => {
      const { query, version } = request
      if (request.param('name').trim() === '') throw new InvalidArgumentError('image name cannot be blank')
      const removed = await images.remove(request.param('name'), {
        force: query.boolean('force'),
        noPrune: query.boolean('noprune'),
        platforms: version >= 50 ? query.all('platforms').flatMap((text) => parsePlatform(text) ?? []) : [],
      })
      response.json(200, removed)
    })
    .add('POST', '/commit', async (request, response) => {
      const { query } = request
      const body = await bodyObjectOrNull(request)
      const config = body === null ? null : decode<ContainerConfig>({ object: containerConfigFields }, body)
      const made = await backends.commits.commit(config, {
        container: query.text('container'),
        repository: query.text('repo'),
        tag: query.text('tag'),
        comment: query.text('comment'),
        author: query.text('author'),
        pause: query.boolean('pause', true),
        changes: query.all('changes'),
        signal: request.signal,
      })
      response.json(201, made)
    })
    .add('GET', '/distribution/:name*/json', async (request, response) => {
      const options = { auth: registryAuth(request), signal: request.signal }
      response.json(200, await backends.distribution.inspect(request.param('name'), options))
    })
}

/** `filter=<name>` was the old form of the filter `reference` (until 1.40). */
function imageFilters(request: ApiRequest): ReturnType<ApiRequest['filters']> {
  const filters = request.filters()
  const name = request.version < 41 ? request.query.text('filter') : ''
  return name === ''
    ? filters
    : new Map([...filters, ['reference', [...(filters.get('reference') ?? []), name]]])
}
