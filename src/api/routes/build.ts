import { InvalidArgumentError } from '#errors/errors.ts'
import type { BuildOptions, PlatformSpec } from '#spec/docker/options.ts'
import type { BuildBackend } from '../backends.ts'
import { parseJson, parsePlatform, registryAuths } from '../http/parameters.ts'
import type { ApiRequest } from '../http/request.ts'
import { RAW_STREAM } from '../http/response.ts'
import type { Router } from '../http/router.ts'
import { decode, strings } from '../shapes/schema.ts'
import type { Schema } from '../shapes/schema.ts'
import { withProgress } from '../streams/progress.ts'

const ULIMITS: Schema = { list: { object: { Name: 'string', Soft: 'integer', Hard: 'integer' } } }

/** Builds. */
export function addBuildRoutes(router: Router, builds: BuildBackend): void {
  router
    .add('POST', '/build', async (request, response) => {
      const options = readBuildOptions(request)
      const context = options.remote === '' ? request.body : null
      await withProgress(response, (progress) => builds.build(context, { ...options, progress }))
    })
    .add('GET', '/build/history', async (_request, response) => {
      response.json(200, await builds.history())
    })
    .add('GET', '/build/history/:id', async (request, response) => {
      response.json(200, await builds.pastBuild(request.param('id')))
    })
    .add('POST', '/build/session', async (_request, response) => {
      await builds.session(response.hijack({ type: RAW_STREAM }))
    })
    .add('POST', '/build/session/:session/:call', (request, response) => {
      const take = builds.answer(request.param('session'), request.param('call'))
      take(response.hijack({ type: RAW_STREAM }))
    })
    .add('POST', '/build/cancel', async (request, response) => {
      const id = request.query.text('id')
      if (id === '') throw new InvalidArgumentError('build ID not provided')
      await builds.cancel(id)
      response.empty(200)
    })
    .add('POST', '/build/prune', async (request, response) => {
      const { query } = request
      const pruned = await builds.prune({
        all: query.boolean('all'),
        // `keep-storage` until 1.47.
        reservedSpaceBytes: query.integerOrZero('reserved-space') || query.integerOrZero('keep-storage'),
        maxUsedSpaceBytes: query.integerOrZero('max-used-space'),
        minFreeSpaceBytes: query.integerOrZero('min-free-space'),
        filters: request.filters(),
        signal: request.signal,
      })
      response.json(200, pruned)
    })
}

function readBuildOptions(request: ApiRequest): Omit<BuildOptions, 'progress'> {
  const { query } = request
  const remove = query.has('rm') ? query.boolean('rm') : true
  const version = query.text('version') || '1'
  if (version !== '1' && version !== '2') {
    throw new InvalidArgumentError(`invalid version ${JSON.stringify(version)}`)
  }
  return {
    dockerfile: query.text('dockerfile'),
    tags: query.all('t').filter((tag) => tag !== ''),
    remote: query.text('remote'),
    quiet: query.boolean('q'),
    noCache: query.boolean('nocache'),
    cacheFrom: jsonParameter(request, 'cachefrom', strings) ?? [],
    cacheTo: jsonParameter(request, 'cacheto', strings) ?? [],
    pull: query.boolean('pull'),
    removeIntermediate: remove,
    forceRemoveIntermediate: query.boolean('forcerm'),
    memoryBytes: query.integerOrZero('memory'),
    memorySwapBytes: query.integerOrZero('memswap'),
    cpuShares: query.integerOrZero('cpushares'),
    cpusetCpus: query.text('cpusetcpus'),
    cpuPeriod: query.integerOrZero('cpuperiod'),
    cpuQuota: query.integerOrZero('cpuquota'),
    cpusetMems: query.text('cpusetmems'),
    cgroupParent: query.text('cgroupparent'),
    ulimits: jsonParameter(request, 'ulimits', ULIMITS) ?? [],
    securityOptions: jsonParameter(request, 'securityopt', strings) ?? [],
    shmSizeBytes: query.integerOrZero('shmsize'),
    buildArgs: buildArguments(request),
    labels: jsonParameter(request, 'labels', { map: 'string' }) ?? {},
    networkMode: query.text('networkmode'),
    extraHosts: query.all('extrahosts').filter((host) => host !== ''),
    squash: query.boolean('squash'),
    platforms: platformsOf(query.text('platform')),
    target: query.text('target'),
    call: query.text('call'),
    outputs: jsonParameter(request, 'outputs', { list: 'any' }) ?? [],
    builderVersion: version,
    session: query.text('session'),
    contexts: jsonParameter(request, 'buildcontexts', { map: 'string' }) ?? {},
    attestations: jsonParameter(request, 'attests', { map: 'string' }) ?? {},
    noCacheFilter: jsonParameter(request, 'nocachefilter', strings) ?? [],
    clientSession: query.text('wharfsession'),
    buildId: query.text('buildid'),
    auth: registryAuths(request),
    signal: request.signal,
  }
}

function platformsOf(text: string): PlatformSpec[] {
  const parts = text.startsWith('{') ? [text] : text.split(',')
  return parts.flatMap((part) => parsePlatform(part.trim()) ?? [])
}

function jsonParameter<T>(request: ApiRequest, name: string, schema: Schema): T | null {
  const text = request.query.text(name)
  return text === '' ? null : (decode<T | null>(schema, parseJson(text, name)) ?? null)
}

/** Null stands for an argument that was named without a value. */
function buildArguments(request: ApiRequest): Record<string, string | null> {
  const given = jsonParameter<Record<string, unknown>>(request, 'buildargs', { map: 'any' }) ?? {}
  for (const [name, value] of Object.entries(given)) {
    if (value !== null && typeof value !== 'string') {
      throw new InvalidArgumentError(`error reading build args: ${name} is no string`)
    }
  }
  return given as Record<string, string | null>
}
