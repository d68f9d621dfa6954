import { writeJson } from '../format/json.ts'
import { renderList } from '../format/list-format.ts'
import { ago, humanSize } from '../format/units.ts'
import { Row } from '../template/row.ts'
import { containerHeaders, containerRow } from './container-row.ts'
import { imageHeaders, imageNames, imageRow } from './image-row.ts'
import type { CacheRecord, Usage } from './usage.ts'
import { volumeHeaders, volumeRow } from './volume-row.ts'

/** Every image, container, volume and piece of build cache with the space it takes, as tables. */
export function usageDetails(usage: Usage): string {
  const images = renderList({
    format: '',
    table:
      '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}',
    headers: imageHeaders,
    rows: imageRows(usage, true),
  })
  const containers = renderList({
    format: '',
    table:
      '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}',
    headers: containerHeaders,
    rows: usage.containers.map((container) =>
      containerRow({ ...container, SizeRootFs: 0 }, { truncate: true }),
    ),
  })
  const volumes = renderList({
    format: '',
    table: '{{.Name}}\t{{.Links}}\t{{.Size}}',
    headers: volumeHeaders,
    rows: usage.volumes.map(volumeRow),
  })
  const cache = renderList({
    format: '',
    table:
      '{{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}',
    headers: {
      ID: 'CACHE ID',
      CacheType: 'CACHE TYPE',
      Size: 'SIZE',
      CreatedSince: 'CREATED',
      LastUsedSince: 'LAST USED',
      UsageCount: 'USAGE',
      Shared: 'SHARED',
    },
    rows: usage.cache.map((record) => cacheRow(record, true)),
  })
  const total =
    usage.totals.cache?.TotalSize ??
    usage.cache.filter(({ Shared }) => !Shared).reduce((sum, { Size }) => sum + Size, 0)
  return `Images space usage:\n\n${images}\nContainers space usage:\n\n${containers}\nLocal Volumes space usage:\n\n${volumes}\nBuild cache usage: ${humanSize(total)}\n\n${cache}`
}

/** The same as one JSON value. */
export function usageDetailsJson(usage: Usage): string {
  return writeJson({
    Images: imageRows(usage, false),
    Containers: usage.containers.map((container) =>
      containerRow({ ...container, SizeRootFs: 0 }, { truncate: false }),
    ),
    Volumes: usage.volumes.map(volumeRow),
    BuildCache: usage.cache.map((record) => cacheRow(record, false)),
  })
}

function imageRows({ images }: Usage, truncate: boolean): Row[] {
  return images.map((image) => {
    const [name] = imageNames(image, { digests: false })
    return imageRow(image, {
      name: { repository: name?.repository ?? '', tag: name?.tag ?? '', digest: '' },
      truncate,
    })
  })
}

function cacheRow(record: CacheRecord, truncate: boolean): Row {
  const since = (text: string | null | undefined) =>
    text === null || text === undefined || text === '' ? '' : ago(Date.parse(text))
  return new Row('formatter.buildCacheContext', {
    ID: () => `${truncate ? record.ID.slice(0, 12) : record.ID}${record.InUse ? '*' : ''}`,
    CacheType: record.Type,
    Size: humanSize(record.Size, 3),
    CreatedSince: () => since(record.CreatedAt),
    LastUsedSince: () => since(record.LastUsedAt),
    UsageCount: String(record.UsageCount),
    InUse: String(record.InUse),
    Shared: String(record.Shared),
  })
}
