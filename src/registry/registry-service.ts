import type { Readable } from 'node:stream'
import { InvalidArgumentError, UnauthenticatedError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { AuthResponse, DistributionInspect } from '#spec/docker/image.ts'
import type { Cancellable, ImagePullOptions, ImagePushOptions, RegistryAuth } from '#spec/docker/options.ts'
import { isIndexType } from '#spec/oci/image.ts'
import { parseImageConfig, parseIndex, parseManifest, MAX_CONFIG_BYTES } from '#spec/oci/parse.ts'
import { DEFAULT_DOMAIN, parseReference, withDefaultTag } from '#spec/reference.ts'
import { downloadUrl } from './download-url.ts'
import { HttpTransport } from './http-transport.ts'
import { LayerDownloads } from './layer-downloads.ts'
import type { PullTarget, PushSource } from './ports.ts'
import { Puller } from './pull.ts'
import { pullError } from './pull-error.ts'
import { Pusher } from './push.ts'
import { readLimited } from './read-limited.ts'
import { endpointsOf, type RegistryConfig } from './registry-config.ts'
import { asWharfError, RegistryError, registryErrorOf } from './registry-error.ts'
import { searchFilter, searchLimit, searchRegistry, splitTerm, type SearchResult } from './registry-search.ts'
import { RegistrySession, type FetchedManifest } from './registry-session.ts'
import { Semaphore } from './semaphore.ts'
import { TransportError } from './transport-error.ts'

/** What the daemon asks of registries. */
export interface RegistryService {
  /** @throws errors in Docker's words, see `pull-error.ts`. */
  pull(options: ImagePullOptions): Promise<void>
  push(options: ImagePushOptions): Promise<void>
  search(
    term: string,
    options: Cancellable & {
      readonly limit: number | null
      readonly filters: Filters
      readonly auth: RegistryAuth | null
    },
  ): Promise<readonly SearchResult[]>
  /** `GET /distribution/{name}/json` */
  inspect(
    name: string,
    options: Cancellable & { readonly auth: RegistryAuth | null },
  ): Promise<DistributionInspect>
  /** `POST /auth`. @throws UnauthenticatedError in Docker's words. */
  login(auth: RegistryAuth, options: Cancellable): Promise<AuthResponse>
  /** The body of a URL that `docker import` names. No credentials are sent. @throws in Docker's words. */
  download(url: string, options: Cancellable): Promise<Readable>
  /** Takes over what SIGHUP can change; proxies and attempts stay. */
  reconfigure(config: RegistryConfig): void
  /** Ends idle connections. */
  close(): void
}

/** Makes the service; nothing is connected before it is asked for. */
export function createRegistryService(
  config: RegistryConfig,
  ports: { readonly target: PullTarget; readonly source: PushSource },
): RegistryService {
  let current = config
  const transport = new HttpTransport(config)
  const sessions = async (domain: string, auth: RegistryAuth | null): Promise<RegistrySession[]> =>
    (await endpointsOf(domain, current)).map((endpoint) => {
      // Credentials are the registry's: a mirror on another host never sees them.
      return new RegistrySession(transport, { endpoint, auth: endpoint.isMirror ? null : auth })
    })
  const downloads = new LayerDownloads({
    target: ports.target,
    transport,
    maxConcurrent: config.maxConcurrentDownloads,
    maxAttempts: config.maxDownloadAttempts,
  })
  const puller = new Puller({ target: ports.target, downloads, sessions })
  const places = new Semaphore(config.maxConcurrentUploads)
  const pusher = new Pusher({ source: ports.source, places, sessions })
  return {
    pull: (options) => puller.pull(options),
    push: (options) => pusher.push(options),
    async search(term, options) {
      const accepts = searchFilter(options.filters)
      const limit = searchLimit(options.limit)
      const { domain, query } = splitTerm(term)
      const results = await firstReachable(await sessions(domain, options.auth), (session) =>
        searchRegistry(session, { query, limit, signal: options.signal }),
      )
      return results.filter(accepts)
    },
    async inspect(name, options) {
      const reference = withDefaultTag(parseReference(name))
      try {
        return await firstReachable(await sessions(reference.domain, options.auth), async (session) => {
          const request = { reference: reference.digest ?? reference.tag ?? '', signal: options.signal }
          const manifest = await session.manifest(reference.path, request)
          return await describe(manifest, { session, path: reference.path, signal: options.signal })
        })
      } catch (error) {
        throw pullError(error, reference)
      }
    },
    async login(auth, options) {
      const domain = loginDomain(auth.serveraddress ?? '')
      await firstReachable(
        (await sessions(domain, auth)).filter((session) => !session.endpoint.isMirror),
        async (session) => {
          const response = await session
            .send({ method: 'GET', path: '', scopes: [], signal: options.signal })
            .catch((error: unknown) => {
              throw error instanceof RegistryError
                ? asWharfError(error, `Get "${session.baseUrl.href}": ${error.message}`)
                : error
            })
          if (response.status === 200) {
            response.body.resume()
            return
          }
          if (response.status !== 401) throw await registryErrorOf(response)
          response.body.resume()
          throw new UnauthenticatedError(
            `login attempt to ${session.baseUrl.href} failed with status: ${response.status} Unauthorized`,
          )
        },
      )
      return { Status: 'Login Succeeded', IdentityToken: '' }
    },
    download: (url, options) => downloadUrl(transport, url, options.signal),
    reconfigure(next) {
      current = next
      downloads.resize(next.maxConcurrentDownloads)
      places.resize(next.maxConcurrentUploads)
    },
    close: () => transport.close(),
  }
}

/** Asks one endpoint after the other until one can be reached; the last failure is what is told, as in Docker. */
async function firstReachable<T>(
  sessions: readonly RegistrySession[],
  work: (session: RegistrySession) => Promise<T>,
): Promise<T> {
  let failure: unknown = null
  for (const session of sessions) {
    try {
      return await work(session)
    } catch (error) {
      if (!(error instanceof TransportError) && !session.endpoint.isMirror) throw error
      failure = error
    }
  }
  throw failure
}

/** The server address of a login: a URL (`https://index.docker.io/v1/` is the default domain's) or a host. */
function loginDomain(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  if (host === '' || host === `index.${DEFAULT_DOMAIN}` || host === DEFAULT_DOMAIN) return DEFAULT_DOMAIN
  if (!/^(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:]+\])(?::\d+)?$/.test(host)) {
    throw new InvalidArgumentError(`unable to parse server address: ${address}`)
  }
  return host
}

async function describe(
  manifest: FetchedManifest,
  context: { readonly session: RegistrySession; readonly path: string; readonly signal: AbortSignal },
): Promise<DistributionInspect> {
  const Descriptor = {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.content.byteLength,
  }
  if (isIndexType(manifest.mediaType)) {
    const { manifests } = parseIndex(manifest.content)
    return {
      Descriptor,
      Platforms: manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platform])),
    }
  }
  const { config } = parseManifest(manifest.content)
  if (config.size > MAX_CONFIG_BYTES) throw new InvalidArgumentError('image configuration is too large')
  const blob = await context.session.blob(context.path, {
    digest: config.digest,
    offset: 0,
    signal: context.signal,
  })
  const { os, architecture, variant } = parseImageConfig(await readLimited(blob.body, config.size))
  return { Descriptor, Platforms: [{ os, architecture, ...(variant === undefined ? {} : { variant }) }] }
}
