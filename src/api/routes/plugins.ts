import { NotFoundError, NotImplementedError } from '#errors/errors.ts'
import type { Handler, Router } from '../http/router.ts'

/** Managed plugins (`docker plugin`) are not part of Wharf; there are none, and none can be installed. */
export function addPluginRoutes(router: Router): void {
  router
    .add('GET', '/plugins', (_request, response) => response.json(200, []))
    .add('GET', '/plugins/privileges', refuse)
    .add('POST', '/plugins/pull', refuse)
    .add('POST', '/plugins/create', refuse)
    .add('GET', '/plugins/:name*/json', unknown)
    .add('DELETE', '/plugins/:name*', unknown)
  for (const verb of ['enable', 'disable', 'upgrade', 'push', 'set']) {
    router.add('POST', `/plugins/:name*/${verb}`, unknown)
  }
}

const refuse: Handler = () => {
  throw new NotImplementedError(
    'Wharf does not run managed plugins: run the plugin as a program of the host, or in a container, with its socket in /run/docker/plugins',
  )
}

const unknown: Handler = (request) => {
  throw new NotFoundError(`plugin ${JSON.stringify(request.param('name'))} not found`)
}
