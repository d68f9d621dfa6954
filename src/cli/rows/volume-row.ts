import type { Volume } from '#spec/docker/volume.ts'
import { humanSize } from '../format/units.ts'
import { Row } from '../template/row.ts'
import { labelsText } from './container-row.ts'

/** The names of the columns of a list of volumes. */
export const volumeHeaders: Readonly<Record<string, string>> = {
  Driver: 'DRIVER',
  Name: 'VOLUME NAME',
  Scope: 'SCOPE',
  Mountpoint: 'MOUNTPOINT',
  Labels: 'LABELS',
  Links: 'LINKS',
  Size: 'SIZE',
  Group: 'GROUP',
  Availability: 'AVAILABILITY',
  Status: 'STATUS',
}

/** A volume for lists and templates. */
export function volumeRow(volume: Volume): Row {
  const usage = volume.UsageData ?? null
  return new Row('formatter.volumeContext', {
    Driver: volume.Driver,
    Name: volume.Name,
    Scope: volume.Scope,
    Mountpoint: volume.Mountpoint,
    Labels: () => labelsText(volume.Labels),
    Label: (name: string) => (volume.Labels as Readonly<Record<string, string>> | null)?.[name] ?? '',
    Links: usage === null ? 'N/A' : String(usage.RefCount),
    Size: usage === null || usage.Size < 0 ? 'N/A' : humanSize(usage.Size),
    Group: 'N/A',
    Availability: 'N/A',
    Status: 'N/A',
  })
}
