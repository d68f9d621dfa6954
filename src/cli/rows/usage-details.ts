import type { DataUsage, DataUsageItem } from '#spec/data-usage.ts'
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

/** Kinds whose items are many and small: only their sum is shown. */
const SUMMED: ReadonlySet<string> = new Set(['container files', 'daemon'])

/** What all the bytes below the data root are for. */
export function dataUsageText(data: DataUsage): string {
  const kinds = Map.groupBy(data.Items, ({ Kind }) => Kind)
  const sum = (items: readonly DataUsageItem[], figure: 'Size' | 'Files') =>
    items.reduce((total, item) => total + item[figure], 0)
  const summary = renderList({
    format: '',
    table: '{{.Kind}}\t{{.Items}}\t{{.Files}}\t{{.Size}}',
    headers: { Kind: 'TYPE', Items: 'ITEMS', Files: 'FILES', Size: 'SIZE' },
    rows: [...kinds].map(
      ([kind, items]) =>
        new Row('dataKindContext', {
          Kind: kind,
          Items: items.length,
          Files: sum(items, 'Files'),
          Size: humanSize(sum(items, 'Size'), 3),
        }),
    ),
  })
  const items = renderList({
    format: '',
    table: '{{.Kind}}\t{{.Name}}\t{{.Size}}\t{{.For}}',
    headers: { Kind: 'TYPE', Name: 'NAME', Size: 'SIZE', For: 'FOR' },
    rows: data.Items.filter(({ Kind }) => !SUMMED.has(Kind)).map(
      ({ Kind, Name, Size, For }) =>
        new Row('dataItemContext', {
          Kind,
          Name: Name.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]{52}$/, '$1'),
          Size: humanSize(Size, 3),
          For,
        }),
    ),
  })
  return `\nData root usage: ${humanSize(data.Size)} in ${data.Root}\n\n${summary}\n${items}`
}

/** The same as one JSON value. */
export function usageDetailsJson(usage: Usage, data: DataUsage | null): string {
  return writeJson({
    ...(data !== null && { DataRoot: data }),
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
