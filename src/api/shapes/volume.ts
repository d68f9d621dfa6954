import type { VolumeCreateRequest } from '#spec/docker/volume.ts'
import { decode, fields, stringMap } from './schema.ts'

/** Reads the body of `POST /volumes/create`. */
export function readVolumeCreate(body: Record<string, unknown>): VolumeCreateRequest {
  return decode(
    {
      object: {
        ...fields('string', 'Name', 'Driver'),
        ...fields(stringMap, 'DriverOpts', 'Labels'),
        ClusterVolumeSpec: 'any',
      },
    },
    body,
  )
}
