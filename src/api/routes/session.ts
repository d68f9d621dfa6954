import { InvalidArgumentError, NotImplementedError } from '#errors/errors.ts'
import type { SessionBackend } from '../backends.ts'
import type { ApiRequest } from '../http/request.ts'
import { RAW_STREAM } from '../http/response.ts'
import type { Router } from '../http/router.ts'

/** gRPC over an upgraded connection: BuildKit's session and control. */
export function addSessionRoutes(router: Router, sessions: SessionBackend | null): void {
  router
    .add('POST', '/session', async (request, response) => {
      const backend = requireBackend(sessions)
      requireUpgrade(request)
      const connection = response.hijack({ type: RAW_STREAM, upgradeType: 'h2c' })
      await backend.session(connection, request.headers)
    })
    .add('POST', '/grpc', async (request, response) => {
      const backend = requireBackend(sessions)
      requireUpgrade(request)
      await backend.grpc(response.hijack({ type: RAW_STREAM, upgradeType: 'h2c' }))
    })
}

function requireBackend(sessions: SessionBackend | null): SessionBackend {
  if (sessions === null) {
    throw new NotImplementedError('Wharf has no BuildKit endpoint: build with DOCKER_BUILDKIT=0')
  }
  return sessions
}

function requireUpgrade(request: ApiRequest): void {
  if (request.header('upgrade').toLowerCase() !== 'h2c')
    throw new InvalidArgumentError('no upgrade proto in request')
}
