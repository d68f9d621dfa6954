import { shortId } from '#base/ids.ts'
import type { ContainerSummary } from '#spec/docker/container.ts'
import { ago, ellipsis, goTime, humanSize } from '../format/units.ts'
import { Row } from '../template/row.ts'
import { goQuote } from './go-quote.ts'
import { displayPorts } from './ports.ts'

/** The names of the columns of a list of containers. */
export const containerHeaders: Readonly<Record<string, string>> = {
  ID: 'CONTAINER ID',
  Names: 'NAMES',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Ports: 'PORTS',
  State: 'STATE',
  Status: 'STATUS',
  Size: 'SIZE',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  LocalVolumes: 'LOCAL VOLUMES',
  Networks: 'NETWORKS',
  Platform: 'PLATFORM',
}

/** Labels in one text, by name. */
export const labelsText = (labels: Readonly<Record<string, string>> | null | undefined): string =>
  Object.entries(labels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join(',')

/** A container for lists and templates; `truncate` shortens what may be long. */
export function containerRow(summary: ContainerSummary, { truncate }: { truncate: boolean }): Row {
  const id = summary.Id ?? ''
  const mounts = () =>
    (summary.Mounts ?? [])
      .map((mount) => mount.Name || mount.Source || '')
      .map((name) => (truncate ? ellipsis(name, 15) : name))
  return new Row('formatter.ContainerContext', {
    ID: truncate ? shortId(id) : id,
    Names: () => namesText(summary.Names ?? [], truncate),
    Image: () => imageText(summary, truncate),
    Command: () => goQuote(truncate ? ellipsis(summary.Command ?? '', 20) : (summary.Command ?? '')),
    CreatedAt: () => goTime((summary.Created ?? 0) * 1000),
    RunningFor: () => ago((summary.Created ?? 0) * 1000),
    Ports: () => displayPorts(summary.Ports ?? []),
    State: summary.State ?? '',
    Status: summary.Status ?? '',
    Size: () => sizeText(summary),
    Labels: () => labelsText(summary.Labels),
    Label: (name: string) => summary.Labels?.[name] ?? '',
    Mounts: () => mounts().join(','),
    LocalVolumes: () => String((summary.Mounts ?? []).filter((mount) => mount.Driver === 'local').length),
    Networks: () => Object.keys(summary.NetworkSettings?.Networks ?? {}).join(','),
    Platform: () => summary.ImageManifestDescriptor?.platform ?? null,
  })
}

/** The names without their slash; short lists leave out the names that links give. */
function namesText(names: readonly string[], truncate: boolean): string {
  const bare = names.map((name) => name.replace(/^\//, ''))
  return (truncate ? bare.filter((name) => !name.includes('/')) : bare).join(',')
}

function imageText(summary: ContainerSummary, truncate: boolean): string {
  const image = summary.Image ?? ''
  if (image === '') return '<no image>'
  if (!truncate) return image
  const id = shortId(summary.ImageID ?? '')
  if (id !== '' && (shortId(image) === id || image.startsWith(id))) return id
  return image.replace(/(:[^:/@]+)@sha256:[0-9a-f]{64}$/, '$1')
}

function sizeText(summary: ContainerSummary): string {
  const own = humanSize(summary.SizeRw ?? 0, 3)
  const total = summary.SizeRootFs ?? 0
  return total > 0 ? `${own} (virtual ${humanSize(total, 3)})` : own
}
