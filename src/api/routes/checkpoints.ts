import { NotImplementedError } from '#errors/errors.ts'
import type { CheckpointBackend } from '../backends.ts'
import type { Router } from '../http/router.ts'
import { bodyObject } from '../http/parameters.ts'

/** Checkpoints of containers, an experimental feature: null when the daemon is not in that mode. */
export function addCheckpointRoutes(router: Router, checkpoints: CheckpointBackend | null): void {
  const enabled = (): CheckpointBackend => {
    if (checkpoints !== null) return checkpoints
    throw new NotImplementedError(
      'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.',
    )
  }
  router
    .add('GET', '/containers/:id*/checkpoints', async (request, response) => {
      response.json(200, await enabled().list(request.param('id'), request.query.text('dir')))
    })
    .add('POST', '/containers/:id*/checkpoints', async (request, response) => {
      const backend = enabled()
      const { CheckpointID, CheckpointDir, Exit } = await bodyObject(request)
      await backend.create(request.param('id'), {
        CheckpointID: typeof CheckpointID === 'string' ? CheckpointID : '',
        CheckpointDir: typeof CheckpointDir === 'string' ? CheckpointDir : '',
        Exit: Exit === true,
      })
      response.empty(201)
    })
    .add('DELETE', '/containers/:id*/checkpoints/:name', async (request, response) => {
      const { query } = request
      await enabled().remove(request.param('id'), request.param('name'), query.text('dir'))
      response.empty(204)
    })
}
