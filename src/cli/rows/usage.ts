import type { Client } from '#client/client.ts'
import type { ContainerSummary } from '#spec/docker/container.ts'
import type { ImageSummary } from '#spec/docker/image.ts'
import type { Volume } from '#spec/docker/volume.ts'
import { humanSize } from '../format/units.ts'
import { Row } from '../template/row.ts'

/** A piece of build cache. */
export interface CacheRecord {
  readonly ID: string
  readonly Type: string
  readonly InUse: boolean
  readonly Shared: boolean
  readonly Size: number
  readonly CreatedAt: string
  readonly LastUsedAt?: string | null
  readonly UsageCount: number
}

/** Disk usage, whatever version of the API told it. */
export interface Usage {
  readonly layersBytes: number
  readonly images: readonly ImageSummary[]
  readonly containers: readonly ContainerSummary[]
  readonly volumes: readonly Volume[]
  readonly cache: readonly CacheRecord[]
  /** What a daemon of API 1.52 and newer has worked out itself. */
  readonly totals: Readonly<Record<'images' | 'containers' | 'volumes' | 'cache', Totals | null>>
}

interface Totals {
  readonly ActiveCount?: number | null
  readonly TotalCount?: number | null
  readonly Reclaimable?: number | null
  readonly TotalSize?: number | null
  readonly Items?: readonly unknown[] | null
}

interface Answer {
  readonly LayersSize?: number
  readonly Images?: readonly ImageSummary[] | null
  readonly Containers?: readonly ContainerSummary[] | null
  readonly Volumes?: readonly Volume[] | null
  readonly BuildCache?: readonly CacheRecord[] | null
  readonly ImagesDiskUsage?: Totals | null
  readonly ImageUsage?: Totals | null
  readonly ContainersDiskUsage?: Totals | null
  readonly ContainerUsage?: Totals | null
  readonly VolumesDiskUsage?: Totals | null
  readonly VolumeUsage?: Totals | null
  readonly BuildCacheDiskUsage?: Totals | null
  readonly BuildCacheUsage?: Totals | null
}

/** Asks the daemon, in the old form and the new. */
export async function readUsage(client: Client, verbose: boolean): Promise<Usage> {
  const answer = await client.system.diskUsage<Answer>({ verbose })
  const totals = {
    images: answer.ImageUsage ?? answer.ImagesDiskUsage ?? null,
    containers: answer.ContainerUsage ?? answer.ContainersDiskUsage ?? null,
    volumes: answer.VolumeUsage ?? answer.VolumesDiskUsage ?? null,
    cache: answer.BuildCacheUsage ?? answer.BuildCacheDiskUsage ?? null,
  }
  const items = <T>(old: readonly T[] | null | undefined, now: Totals | null) =>
    old ?? ((now?.Items ?? []) as readonly T[])
  return {
    layersBytes: answer.LayersSize ?? totals.images?.TotalSize ?? 0,
    images: items(answer.Images, totals.images),
    containers: items(answer.Containers, totals.containers),
    volumes: items(answer.Volumes, totals.volumes),
    cache: items(answer.BuildCache, totals.cache),
    totals,
  }
}

/** One line for each kind of thing. */
export function summaryRows(usage: Usage): Row[] {
  const { images, containers, volumes, cache, totals } = usage
  const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0)
  const busy = containers.filter(
    ({ State }) => State === 'running' || State === 'paused' || State === 'restarting',
  )
  const usedImages = images.filter(({ Containers }) => Containers !== 0)
  const imagesUsed = sum(
    usedImages
      .filter(({ Size, SharedSize }) => Size !== -1 && SharedSize !== -1)
      .map(({ Size, SharedSize }) => Size - SharedSize),
  )
  const volumesIn = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0)
  const size = (volume: Volume) => Math.max(0, volume.UsageData?.Size ?? 0)
  const own = (container: ContainerSummary) => container.SizeRw ?? 0
  const allContainers = sum(containers.map(own))
  const allVolumes = sum(volumes.map(size))
  const private_ = cache.filter(({ Shared }) => !Shared)
  const allCache = sum(private_.map((record) => record.Size))
  return [
    row('Images', totals.images, {
      count: images.length,
      active: usedImages.length,
      total: usage.layersBytes,
      free: usage.layersBytes - imagesUsed,
    }),
    row('Containers', totals.containers, {
      count: containers.length,
      active: busy.length,
      total: allContainers,
      free: sum(containers.filter((one) => !busy.includes(one)).map(own)),
    }),
    row('Local Volumes', totals.volumes, {
      count: volumes.length,
      active: volumesIn.length,
      total: allVolumes,
      free: sum(volumes.filter((one) => !volumesIn.includes(one)).map(size)),
    }),
    row('Build Cache', totals.cache, {
      count: cache.length,
      active: cache.filter(({ InUse }) => InUse).length,
      total: allCache,
      free: sum(private_.filter(({ InUse }) => !InUse).map((record) => record.Size)),
    }),
  ]
}

interface Counted {
  readonly count: number
  readonly active: number
  readonly total: number
  readonly free: number
}

function row(type: string, totals: Totals | null, counted: Counted): Row {
  const total = totals?.TotalSize ?? counted.total
  const free = Math.max(0, totals?.Reclaimable ?? counted.free)
  const share = total > 0 && type !== 'Build Cache' ? ` (${Math.trunc((free * 100) / total)}%)` : ''
  return new Row('formatter.diskUsageContext', {
    Type: type,
    TotalCount: String(totals?.TotalCount ?? counted.count),
    Active: String(totals?.ActiveCount ?? counted.active),
    Size: humanSize(total),
    Reclaimable: `${humanSize(free)}${share}`,
  })
}
