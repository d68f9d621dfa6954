import type { Backends } from '../backends.ts'
import type { Router } from '../http/router.ts'
import { addBuildRoutes } from './build.ts'
import { addCheckpointRoutes } from './checkpoints.ts'
import { addContainerRoutes } from './containers.ts'
import { addContainerFileRoutes } from './container-files.ts'
import { addContainerStreamRoutes } from './container-streams.ts'
import { addExecRoutes } from './exec.ts'
import { addImageRoutes } from './images.ts'
import { addImageTransferRoutes } from './image-transfer.ts'
import { addNetworkRoutes } from './networks.ts'
import { addPluginRoutes } from './plugins.ts'
import { addSessionRoutes } from './session.ts'
import { addSwarmRoutes } from './swarm.ts'
import { addSystemRoutes } from './system.ts'
import { addVolumeRoutes } from './volumes.ts'

/** All routes of the Engine API. */
export function addRoutes(router: Router, backends: Backends): Router {
  addSystemRoutes(router, backends)
  // Before the containers: the name of one, which may hold slashes, would take theirs in.
  addCheckpointRoutes(router, backends.checkpoints)
  addContainerRoutes(router, backends.containers)
  addContainerStreamRoutes(router, backends.containers)
  addContainerFileRoutes(router, backends.containers)
  addExecRoutes(router, backends.execs)
  addImageRoutes(router, backends)
  addImageTransferRoutes(router, backends)
  addNetworkRoutes(router, backends.networks)
  addVolumeRoutes(router, backends.volumes)
  addBuildRoutes(router, backends.builds)
  addSessionRoutes(router, backends.sessions)
  addSwarmRoutes(router)
  addPluginRoutes(router)
  return router
}
