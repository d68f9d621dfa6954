import type { Resources, RestartPolicy } from '#spec/docker/host-config.ts'
import type { ApiVersion } from '../http/versions.ts'
import { resourcesFields, restartPolicy } from './container-schema.ts'
import { decode } from './schema.ts'

/** Reads the body of `POST /containers/{id}/update`. */
export function readUpdate(
  body: Record<string, unknown>,
  version: ApiVersion,
): Resources & { readonly RestartPolicy?: RestartPolicy | null } {
  const update = decode<Resources & { RestartPolicy?: RestartPolicy; PidsLimit?: number }>(
    { object: { ...resourcesFields, RestartPolicy: restartPolicy } },
    body,
  )
  if (version < 40) delete update.PidsLimit
  return update
}
