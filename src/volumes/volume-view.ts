import type { Volume } from '#spec/docker/volume.ts'
import type { DriverVolume } from './volume-driver.ts'
import type { VolumeRecord } from './volume-store.ts'

/** What Docker shows when nobody knows when a volume was made. */
const NO_TIME = '0001-01-01T00:00:00Z'

/** A volume of the driver `local` as clients see it. */
export function localView(record: VolumeRecord, mountpoint: string): Volume {
  return { ...common(record), CreatedAt: record.createdAt, Mountpoint: mountpoint, Scope: 'local' }
}

/** A volume of a plugin as clients see it; `said` is what the plugin told of it, if it was asked. */
export function pluginView(
  record: Pick<VolumeRecord, 'name' | 'driver' | 'labels' | 'options'>,
  told: { readonly scope: 'local' | 'global'; readonly said: DriverVolume | null },
): Volume {
  const { scope, said } = told
  return {
    ...common(record),
    CreatedAt: said === null || said.createdAt === '' ? NO_TIME : said.createdAt,
    Mountpoint: said?.mountpoint ?? '',
    Scope: scope,
    ...(said !== null && said.status !== null && { Status: said.status as NonNullable<Volume['Status']> }),
  }
}

function common(
  record: Pick<VolumeRecord, 'name' | 'driver' | 'labels' | 'options'>,
): Pick<Volume, 'Name' | 'Driver' | 'Labels' | 'Options'> {
  return {
    Driver: record.driver,
    Labels: orNull(record.labels),
    Name: record.name,
    Options: orNull(record.options),
  }
}

/** Docker says null for what is empty; the type of the API does not know that. */
function orNull(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return (Object.keys(values).length === 0 ? null : values) as Readonly<Record<string, string>>
}
