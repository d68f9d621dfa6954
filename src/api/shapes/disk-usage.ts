import type { ImageSummary } from '#spec/docker/image.ts'
import type { DiskUsage } from '../backends.ts'
import type { ApiVersion } from '../http/versions.ts'
import { shapeContainerSummary } from './container.ts'
import { shapeImageSummary } from './image.ts'

/** `GET /system/df` as a version of the API shows it: figures since 1.52 (with items when asked), items before. */
export function shapeDiskUsage(
  usage: DiskUsage,
  about: { readonly version: ApiVersion; readonly verbose: boolean },
): object {
  const { version, verbose } = about
  return version >= 52 ? figures(usage, verbose) : items(usage, version)
}

function items(usage: DiskUsage, version: ApiVersion): object {
  const cache = usage.buildCache ?? null
  const builderSize = sum(cache ?? [], (item) => item.Size ?? 0)
  return {
    LayersSize: usage.layersSizeBytes,
    Images: usage.images?.map((image) => listedImage(image, version)) ?? null,
    Containers: usage.containers?.map((container) => shapeContainerSummary(container, version)) ?? null,
    Volumes: usage.volumes,
    BuildCache: cache,
    ...(version < 42 && builderSize > 0 && { BuilderSize: builderSize }),
  }
}

/** Here dockerd writes null for no digest, in every version. */
function listedImage(image: ImageSummary, version: ApiVersion): object {
  const shown = shapeImageSummary(image, version)
  return image.RepoDigests.length === 0 && image.RepoTags.length > 0 ? { ...shown, RepoDigests: null } : shown
}

function figures(usage: DiskUsage, verbose: boolean): object {
  const shown: Record<string, object> = {}
  const { images, containers, volumes, buildCache } = usage
  if (images !== null) {
    const active = images.filter((image) => image.Containers > 0)
    const used = sum(active, (image) => image.Size - Math.max(image.SharedSize, 0))
    shown['ImageUsage'] = {
      ActiveCount: active.length,
      TotalCount: images.length,
      Reclaimable: Math.max(usage.layersSizeBytes - used, 0),
      TotalSize: usage.layersSizeBytes,
      ...(verbose && { Items: images }),
    }
  }
  if (containers !== null) {
    const active = containers.filter(
      (item) => item.State === 'running' || item.State === 'paused' || item.State === 'restarting',
    )
    const total = sum(containers, (item) => item.SizeRw ?? 0)
    shown['ContainerUsage'] = {
      ActiveCount: active.length,
      TotalCount: containers.length,
      Reclaimable: total - sum(active, (item) => item.SizeRw ?? 0),
      TotalSize: total,
      ...(verbose && { Items: containers }),
    }
  }
  if (volumes !== null) {
    const size = (item: (typeof volumes)[number]): number => Math.max(item.UsageData?.Size ?? 0, 0)
    const active = volumes.filter((item) => (item.UsageData?.RefCount ?? 0) > 0)
    const total = sum(volumes, size)
    shown['VolumeUsage'] = {
      ActiveCount: active.length,
      TotalCount: volumes.length,
      Reclaimable: total - sum(active, size),
      TotalSize: total,
      ...(verbose && { Items: volumes }),
    }
  }
  if (buildCache !== null) {
    const active = buildCache.filter((item) => item.InUse === true)
    const own = buildCache.filter((item) => item.Shared !== true)
    const total = sum(own, (item) => item.Size ?? 0)
    shown['BuildCacheUsage'] = {
      ActiveCount: active.length,
      TotalCount: buildCache.length,
      Reclaimable: total - sum(own, (item) => (item.InUse === true ? (item.Size ?? 0) : 0)),
      TotalSize: total,
      ...(verbose && { Items: buildCache }),
    }
  }
  return shown
}

function sum<T>(list: readonly T[], sizeOf: (item: T) => number): number {
  return list.reduce((total, item) => total + sizeOf(item), 0)
}
