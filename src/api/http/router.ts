import type { ApiRequest } from './request.ts'
import type { ApiResponse } from './response.ts'

export type Handler = (request: ApiRequest, response: ApiResponse) => Promise<void> | void

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

interface Route {
  readonly method: Method
  readonly pattern: string
  readonly expression: RegExp
  readonly names: readonly string[]
  readonly handler: Handler
}

export interface Match {
  readonly pattern: string
  readonly params: Readonly<Record<string, string>>
  readonly handler: Handler
}

/**
 * Routes by method and path. `:name` takes one segment, `:name*` takes several (image names hold slashes); of two
 * routes that match, the one added first wins. Routes are looked up by their first segment, so that the cost does
 * not grow with the number of nouns.
 */
export class Router {
  readonly #byHead = new Map<string, Route[]>()
  readonly #all: Route[] = []

  add(method: Method, pattern: string, handler: Handler): this {
    const names: string[] = []
    const source = pattern.replace(/[.]/g, '\\.').replace(/:(\w+)(\*?)/g, (_, name: string, many: string) => {
      names.push(name)
      return many === '' ? '([^/]+)' : '(.+)'
    })
    const route = { method, pattern, expression: new RegExp(`^${source}$`), names, handler }
    const head = headOf(pattern)
    const list = this.#byHead.get(head)
    if (list === undefined) this.#byHead.set(head, [route])
    else list.push(route)
    this.#all.push(route)
    return this
  }

  /** Null when nothing matches, or when a part of the path cannot be decoded. */
  match(method: string, path: string): Match | null {
    for (const route of this.#byHead.get(headOf(path)) ?? []) {
      if (route.method !== method) continue
      const found = route.expression.exec(path)
      if (found === null) continue
      const params = decode(route.names, found)
      return params === null ? null : { pattern: route.pattern, params, handler: route.handler }
    }
    return null
  }

  /** Every route, for documentation and tests. */
  get routes(): readonly { readonly method: Method; readonly pattern: string }[] {
    return this.#all
  }
}

function headOf(path: string): string {
  const end = path.indexOf('/', 1)
  return end === -1 ? path : path.slice(0, end)
}

function decode(names: readonly string[], found: RegExpExecArray): Record<string, string> | null {
  const params: Record<string, string> = {}
  try {
    for (const [index, name] of names.entries()) params[name] = decodeURIComponent(found[index + 1] ?? '')
  } catch {
    return null
  }
  return params
}
