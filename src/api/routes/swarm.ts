import { NotImplementedError, UnavailableError } from '#errors/errors.ts'
import type { Handler, Router } from '../http/router.ts'

/** Swarm is not part of Wharf: its endpoints answer as a dockerd that never joined one. */
export function addSwarmRoutes(router: Router): void {
  for (const noun of ['services', 'tasks', 'nodes', 'secrets', 'configs']) {
    router.add('GET', `/${noun}`, notManager).add('GET', `/${noun}/:rest*`, notManager)
    router.add('POST', `/${noun}/:rest*`, notManager).add('DELETE', `/${noun}/:rest*`, notManager)
  }
  router
    .add('GET', '/swarm', notManager)
    .add('POST', '/swarm/init', notImplemented)
    .add('POST', '/swarm/join', notImplemented)
    .add('POST', '/swarm/leave', () => {
      throw new UnavailableError('This node is not part of a swarm')
    })
    .add('POST', '/swarm/update', notManager)
    .add('GET', '/swarm/unlockkey', notManager)
    .add('POST', '/swarm/unlock', notManager)
}

const notManager: Handler = () => {
  throw new UnavailableError(
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  )
}

const notImplemented: Handler = () => {
  throw new NotImplementedError('Wharf has no swarm mode: run services of many machines with Kubernetes')
}
