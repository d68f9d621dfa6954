import { InvalidArgumentError, NotImplementedError } from '#errors/errors.ts'
import type { SessionBackend } from '../backends.ts'
import type { ApiRequest } from '../http/request.ts'
import { RAW_STREAM } from '../http/response.ts'
import type { Router } from '../http/router.ts'

/** What BuildKit's clients ask for: sessions are served, the control of a BuildKit is not. */
export function addSessionRoutes(router: Router, sessions: SessionBackend): void {
  router
    .add('POST', '/session', async (request, response) => {
      requireUpgrade(request)
      const connection = response.hijack({ type: RAW_STREAM, upgradeType: 'h2c' })
      await sessions.session(connection, request.headers)
    })
    .add('POST', '/grpc', () => {
      throw new NotImplementedError('Wharf has no BuildKit endpoint: build with DOCKER_BUILDKIT=0')
    })
}

function requireUpgrade(request: ApiRequest): void {
  if (request.header('upgrade').toLowerCase() !== 'h2c')
    throw new InvalidArgumentError('no upgrade proto in request')
}
