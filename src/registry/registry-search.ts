import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import { DEFAULT_DOMAIN } from '#spec/reference.ts'
import type { HttpResponse } from './http-transport.ts'
import { readLimited } from './read-limited.ts'
import { RegistryError } from './registry-error.ts'
import { nextPage, type RegistrySession } from './registry-session.ts'

/** One hit of `docker search`. */
export interface SearchResult {
  readonly name: string
  readonly description: string
  readonly star_count: number
  readonly is_official: boolean
  readonly is_automated: boolean
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const DEFAULT_LIMIT = 25
const CATALOG_PAGE = 100
const MAX_CATALOG_PAGES = 100
const KNOWN_FILTERS = ['is-automated', 'is-official', 'stars']

/** The registry a search term names, `localhost:5000/web` or plain `web`. */
export function splitTerm(term: string): { readonly domain: string; readonly query: string } {
  if (term.includes('://'))
    throw new InvalidArgumentError(
      `invalid repository name: repository name (${term}) should not have a scheme`,
    )
  const slash = term.indexOf('/')
  const first = term.slice(0, Math.max(slash, 0))
  const isHost = /[.:]/.test(first) || first === 'localhost'
  return isHost ? { domain: first, query: term.slice(slash + 1) } : { domain: DEFAULT_DOMAIN, query: term }
}

/** Checks what the request asks for. @throws InvalidArgumentError in Docker's words. */
export function searchFilter(filters: Filters): (result: SearchResult) => boolean {
  for (const name of filters.keys()) {
    if (!KNOWN_FILTERS.includes(name)) throw new InvalidArgumentError(`invalid filter '${name}'`)
  }
  const official = booleanOf(filters, 'is-official')
  const automated = booleanOf(filters, 'is-automated')
  const stars = Math.max(
    0,
    ...(filters.get('stars') ?? []).map((text) => {
      if (!/^\d+$/.test(text)) throw new InvalidArgumentError(`invalid filter 'stars=[${text}]'`)
      return Number(text)
    }),
  )
  return (result) =>
    (official === null || result.is_official === official) &&
    (automated === null || result.is_automated === automated) &&
    result.star_count >= stars
}

export function searchLimit(limit: number | null): number {
  if (limit !== null && limit !== 0 && (limit < 1 || limit > 100)) {
    throw new InvalidArgumentError(`limit ${limit} is outside the range of [1, 100]`)
  }
  return limit === null || limit === 0 ? DEFAULT_LIMIT : limit
}

/** Searches a registry: by the v1 search API, or by names in the catalog where there is none. */
export async function searchRegistry(
  session: RegistrySession,
  options: { readonly query: string; readonly limit: number; readonly signal: AbortSignal },
): Promise<SearchResult[]> {
  const url = new URL('v1/search', session.endpoint.url)
  url.searchParams.set('q', options.query)
  url.searchParams.set('n', String(options.limit))
  const response = await session.send({ method: 'GET', path: url, scopes: [], signal: options.signal })
  if (response.status !== 200) {
    response.body.destroy()
    return await searchCatalog(session, options)
  }
  const { results } = JSON.parse((await readLimited(response.body, MAX_ANSWER_BYTES)).toString('utf8')) as {
    results?: unknown
  }
  if (!Array.isArray(results)) return []
  return results.flatMap((value: unknown) => {
    if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string')
      return []
    const fields = value as Record<string, unknown>
    return [
      {
        name: value.name,
        description: typeof fields['description'] === 'string' ? fields['description'] : '',
        star_count: typeof fields['star_count'] === 'number' ? fields['star_count'] : 0,
        is_official: fields['is_official'] === true,
        is_automated: fields['is_automated'] === true,
      },
    ]
  })
}

async function searchCatalog(
  session: RegistrySession,
  options: { readonly query: string; readonly limit: number; readonly signal: AbortSignal },
): Promise<SearchResult[]> {
  const found: string[] = []
  let page: URL | null = new URL(`v2/_catalog?n=${CATALOG_PAGE}`, session.endpoint.url)
  for (
    let pages = 0;
    page !== null && pages < MAX_CATALOG_PAGES && found.length < options.limit;
    pages += 1
  ) {
    const request = { method: 'GET', path: page, scopes: ['registry:catalog:*'], signal: options.signal }
    const response: HttpResponse = await session.expect(request, [200])
    const { repositories } = JSON.parse(
      (await readLimited(response.body, MAX_ANSWER_BYTES)).toString('utf8'),
    ) as {
      repositories?: unknown
    }
    if (!Array.isArray(repositories)) {
      throw new RegistryError('the registry has no search', { status: response.status, registryCode: null })
    }
    found.push(...repositories.filter((name) => typeof name === 'string' && name.includes(options.query)))
    page = nextPage(response)
  }
  return found
    .slice(0, options.limit)
    .map((name) => ({ name, description: '', star_count: 0, is_official: false, is_automated: false }))
}

function booleanOf(filters: Filters, name: string): boolean | null {
  const [text] = filters.get(name) ?? []
  if (text === undefined) return null
  if (!['true', 'false', '1', '0'].includes(text))
    throw new InvalidArgumentError(`invalid filter '${name}=[${text}]'`)
  return text === 'true' || text === '1'
}
