import type { PublishRequest, Resources, RestartPolicy } from '#spec/docker/host-config.ts'
import type { ApiVersion } from '../http/versions.ts'
import { portMap, resourcesFields, restartPolicy } from './container-schema.ts'
import { decode } from './schema.ts'

/** Reads the body of `POST /containers/{id}/update`. */
export function readUpdate(
  body: Record<string, unknown>,
  version: ApiVersion,
): Resources & PublishRequest & { readonly RestartPolicy?: RestartPolicy | null } {
  const update = decode<Resources & PublishRequest & { RestartPolicy?: RestartPolicy; PidsLimit?: number }>(
    {
      object: {
        ...resourcesFields,
        RestartPolicy: restartPolicy,
        PublishAdd: portMap,
        PublishRemove: portMap,
      },
    },
    body,
  )
  if (version < 40) delete update.PidsLimit
  // Nothing and less than nothing are both "no limit"; inspect shows 0.
  else if ((update.PidsLimit ?? 0) < 0) update.PidsLimit = 0
  return update
}
