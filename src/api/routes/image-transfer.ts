import { InvalidArgumentError } from '#errors/errors.ts'
import type { PlatformSpec } from '#spec/docker/options.ts'
import type { Backends, ImageTransfer } from '../backends.ts'
import { parsePlatform, registryAuth } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import type { ApiResponse } from '../http/response.ts'
import type { Router } from '../http/router.ts'
import { withProgress } from '../streams/progress.ts'

/** Images in and out: pull, push, import, load, save, search. */
export function addImageTransferRoutes(router: Router, backends: Backends): void {
  const { images } = backends
  router
    .add('POST', '/images/create', (request, response) =>
      request.query.text('fromImage') === ''
        ? importImage(images, request, response)
        : pull(images, request, response),
    )
    .add('POST', '/images/load', async (request, response) => {
      const options = {
        quiet: request.query.boolean('quiet'),
        platforms: platforms(request),
        signal: request.signal,
      }
      // Nothing is sent before there is something to tell: clients that want no progress leave with the head.
      await withProgress(response, (progress) => images.load(request.body, { ...options, progress }), {
        errorsOnStream: true,
      })
    })
    .add('POST', '/images/:name*/push', (request, response) =>
      withProgress(response, (progress) =>
        images.push({
          repository: request.param('name'),
          tag: request.query.text('tag') || null,
          platform: request.version >= 46 ? parsePlatform(request.query.text('platform')) : null,
          auth: registryAuth(request),
          signal: request.signal,
          progress,
        }),
      ),
    )
    .add('GET', '/images/get', (request, response) =>
      save(images, { names: request.query.all('names'), request, response }),
    )
    .add('GET', '/images/search', async (request, response) => {
      const found = await images.search(request.query.text('term'), {
        limit: request.query.integer('limit'),
        filters: request.filters(),
        auth: registryAuth(request),
        signal: request.signal,
      })
      response.json(200, found)
    })
    .add('GET', '/images/:name*/get', (request, response) =>
      save(images, { names: [request.param('name')], request, response }),
    )
}

async function save(
  images: ImageTransfer,
  what: { names: readonly string[]; request: ApiRequest; response: ApiResponse },
): Promise<void> {
  const { names, request, response } = what
  const tar = await images.save(names, { platforms: platforms(request), signal: request.signal })
  await response.stream(200, 'application/x-tar', tar)
}

/** `platform`, given several times since 1.52. */
function platforms(request: ApiRequest): PlatformSpec[] {
  if (request.version < 48) return []
  return request.query.all('platform').flatMap((text) => parsePlatform(text) ?? [])
}

function pull(images: ImageTransfer, request: ApiRequest, response: ApiResponse): Promise<void> {
  const { query } = request
  const name = query.text('fromImage')
  const tag = query.text('tag')
  // The last path part of a name with a tag has a colon; a digest is told by its @.
  const hasTag = /:[^/]*$/.test(name) || name.includes('@')
  const reference = tag === '' ? name : tag.includes(':') ? `${name}@${tag}` : `${name}:${tag}`
  const platform = request.version >= 32 ? parsePlatform(query.text('platform')) : null
  return withProgress(response, (progress) =>
    images.pull({
      reference,
      allTags: tag === '' && !hasTag,
      platform,
      auth: registryAuth(request),
      signal: request.signal,
      progress,
    }),
  )
}

async function importImage(images: ImageTransfer, request: ApiRequest, response: ApiResponse): Promise<void> {
  const { query } = request
  const source = query.text('fromSrc')
  if (source === '') throw new InvalidArgumentError('invalid reference format: nothing to pull or import')
  const repository = query.text('repo')
  const tag = query.text('tag')
  await withProgress(response, async (progress) => {
    const options = {
      reference: tag === '' ? repository : `${repository}:${tag}`,
      message: query.text('message'),
      changes: query.all('changes'),
      platform: parsePlatform(query.text('platform')),
      signal: request.signal,
      progress,
    }
    await (source === '-' ? images.import(request.body, options) : images.importUrl(source, options))
  })
}
