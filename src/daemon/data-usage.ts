import type { Digest } from '#base/digest.ts'
import type { ContainerQueries } from '#api/backends.ts'
import type { MeasuredPath } from '#images/layers/measure-job.ts'
import type { ImageService } from '#images/open-images.ts'
import type { Storage } from '#images/storage.ts'
import { mountTable } from '#kernel/mounts.ts'
import type { DataKind, DataUsage, DataUsageItem } from '#spec/data-usage.ts'
import { noFilters } from '#spec/docker/filters.ts'
import type { GarbageRoots } from '#store/garbage.ts'
import type { Volumes } from '#volumes/volumes.ts'

interface DataUsageDependencies {
  readonly dataRoot: string
  readonly containers: ContainerQueries
  readonly images: ImageService
  readonly storage: Storage
  readonly volumes: Volumes
  readonly roots: readonly GarbageRoots[]
}

/** What a path is, and for whom. */
type Owner = Pick<DataUsageItem, 'Kind' | 'Name' | 'For'>

/** Measures all that is below the data root and says of each byte what it is for. Reads every directory. */
export async function measureData(
  parts: DataUsageDependencies,
  options: { readonly signal: AbortSignal },
): Promise<DataUsage> {
  const below = `${parts.dataRoot}/`
  const measured = await parts.storage.workers.run<MeasuredPath[]>(
    'measure',
    {
      root: parts.dataRoot,
      depths: { containers: 3, blobs: 3, builder: 3 },
      mounted: mountTable()
        .filter(({ mountPoint }) => mountPoint.startsWith(below))
        .map(({ mountPoint }) => mountPoint.slice(below.length)),
    },
    options,
  )
  const owners = await readOwners(parts)
  const items = measured.map(({ path, bytes, files }) => ({
    ...ownerOf(path, owners),
    Path: path,
    Size: bytes,
    Files: files,
  }))
  items.sort((a, b) => b.Size - a.Size || (a.Path < b.Path ? -1 : 1))
  return { Root: parts.dataRoot, Size: items.reduce((sum, { Size }) => sum + Size, 0), Items: items }
}

/** Who has what, by the names that are in paths. */
interface Owners {
  readonly layers: ReadonlyMap<string, string>
  readonly blobs: ReadonlyMap<string, string>
  readonly containers: ReadonlyMap<string, string>
  readonly volumes: ReadonlySet<string>
  hasLayer(diffId: Digest): boolean
  hasSnapshot(id: string): boolean
}

async function readOwners(parts: DataUsageDependencies): Promise<Owners> {
  const { containers, images, storage, volumes, roots } = parts
  const layers = new Map<string, string>()
  const blobs = new Map<string, string>()
  const note = (map: Map<string, string>, key: string, name: string): void => {
    const known = map.get(key)
    map.set(key, known === undefined || known === '' ? name : `${known}, ${name}`)
  }
  for (const root of roots) for (const digest of root.blobs()) blobs.set(hexOf(digest), '')
  for (const image of images.all()) {
    const name = image.repoTags[0] ?? image.id.slice(0, 19)
    for (const diffId of new Set(image.layers)) {
      note(layers, hexOf(diffId), name)
      for (const blob of images.blobsOf(diffId)) note(blobs, hexOf(blob), name)
    }
  }
  const listed = await containers.list({ all: true, limit: null, size: false, filters: noFilters })
  return {
    layers,
    blobs,
    containers: new Map(listed.map(({ Id, Names }) => [Id ?? '', (Names?.[0] ?? '').replace(/^\//, '')])),
    volumes: new Set(((await volumes.list(noFilters)).Volumes ?? []).map(({ Name }) => Name)),
    hasLayer: (diffId) => storage.layers.has(diffId),
    hasSnapshot: (id) => storage.snapshots.has(id),
  }
}

function ownerOf(path: string, owners: Owners): Owner {
  const [top = '', second = '', third = ''] = path.split('/')
  const own = (kind: DataKind, name: string, whom = ''): Owner => ({ Kind: kind, Name: name, For: whom })
  if (path === '') return own('daemon', 'the data root itself')
  if (/^wharf\.db/.test(top)) return own('database', top)
  if (['engine-id', '.lock', '.lock-journal', 'base-layer'].includes(top)) return own('daemon', top)
  if (!TOPS.has(top)) return own('orphan', path)
  // The directories that hold all the things of a kind.
  if (second === '') return own('daemon', top)
  if (/^\.(incoming|removed|new|probe)-/.test(second)) return own('temporary', second)
  switch (top) {
    case 'layers': {
      const users = owners.layers.get(second)
      if (users !== undefined) return own('layer', `sha256:${second}`, users)
      return owners.hasLayer(`sha256:${second}` as Digest)
        ? own('layer', `sha256:${second}`, 'build cache')
        : own('orphan', path)
    }
    case 'blobs': {
      if (second === 'incoming') return own(third === '' ? 'daemon' : 'temporary', third || path)
      if (third === '') return own('daemon', path)
      const users = owners.blobs.get(third)
      return users === undefined ? own('orphan', path) : own('compressed layer', `sha256:${third}`, users)
    }
    case 'btrfs':
      return own('stacked layers', second, owners.layers.get(second) ?? '')
    case 'snapshots': {
      const container = owners.containers.get(second)
      if (container !== undefined) return own('container', container, 'what it wrote')
      return owners.hasSnapshot(second) ? own('build cache', second, 'a step under way') : own('orphan', path)
    }
    case 'containers': {
      const container = owners.containers.get(second)
      if (container === undefined) return own('orphan', path)
      return own(
        /log/.test(third) ? 'log' : 'container files',
        third === '' ? container : `${container}/${third}`,
      )
    }
    case 'volumes':
      return owners.volumes.has(second) ? own('volume', second) : own('orphan', path)
    case 'builder':
      return own(second === 'tmp' && third !== '' ? 'temporary' : 'build cache', third || second)
    default:
      return own('broken download', second)
  }
}

const TOPS: ReadonlySet<string> = new Set([
  'layers',
  'blobs',
  'btrfs',
  'snapshots',
  'containers',
  'volumes',
  'builder',
  'partial',
])

const hexOf = (digest: Digest): string => digest.slice('sha256:'.length)
