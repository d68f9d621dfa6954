import type { Volume } from '#spec/docker/volume.ts'
import type { DriverVolume } from './volume-driver.ts'
import type { VolumeRecord } from './volume-store.ts'

/** What Docker shows when nobody knows when a volume was made. */
const NO_TIME = '0001-01-01T00:00:00Z'

type Named = Pick<VolumeRecord, 'name' | 'driver' | 'labels' | 'options'>

/** A volume of the driver `local` as clients see it. */
export function localView(record: VolumeRecord, mountpoint: string): Volume {
  return view(record, { createdAt: record.createdAt, mountpoint, scope: 'local' })
}

/** A volume of a plugin as clients see it; `said` is what the plugin told of it, if it was asked. */
export function pluginView(
  record: Named,
  told: { readonly scope: 'local' | 'global'; readonly said: DriverVolume | null },
): Volume {
  const { scope, said } = told
  return {
    ...view(record, {
      createdAt: said === null || said.createdAt === '' ? NO_TIME : said.createdAt,
      mountpoint: said?.mountpoint ?? '',
      scope,
    }),
    ...(said !== null && said.status !== null && { Status: said.status as NonNullable<Volume['Status']> }),
  }
}

/** In Docker's order of fields, which people see in `volume inspect`. */
function view(
  record: Named,
  told: { readonly createdAt: string; readonly mountpoint: string; readonly scope: 'local' | 'global' },
): Volume {
  return {
    CreatedAt: told.createdAt,
    Driver: record.driver,
    Labels: orNull(record.labels),
    Mountpoint: told.mountpoint,
    Name: record.name,
    Options: orNull(record.options),
    Scope: told.scope,
  }
}

/** Docker says null for what is empty; the type of the API does not know that. */
function orNull(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return (Object.keys(values).length === 0 ? null : values) as Readonly<Record<string, string>>
}
