import { InvalidArgumentError } from '#errors/errors.ts'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { ImageRecord } from '#images/image-service.ts'
import type { Volumes } from '#volumes/volumes.ts'
import type { ContainerRecord } from '../records.ts'
import type { MountRecord, Propagation } from './mount-record.ts'
import { cleanDestination, cleanPath, parseBind, parseMode } from './parse-bind.ts'
import { parseMount } from './parse-mount.ts'
import { tmpfsOptions } from './tmpfs-options.ts'

/** What is needed to turn the wishes of a request into mounts. */
export interface MountSources {
  /** The daemon's own files: a mount of them must not hold on to what the daemon unmounts. */
  readonly dataRoot: string
  readonly volumes: Volumes
  /** How deep a read-only bind is read-only, unless it says so itself. */
  readonly readOnlyDepth: 'best' | 'top'
  /** Finds a container for VolumesFrom. @throws NotFoundError */
  container(reference: string): ContainerRecord
  /** Finds an image for a mount of type image. @throws NotFoundError */
  image(reference: string): ImageRecord
}

/** A mount whose volume may not exist yet; `finish` makes it. */
type Draft = { readonly destination: string; finish(): Promise<MountRecord> | MountRecord }

/**
 * The mounts of a new container, in Docker's order of precedence: VolumesFrom, Binds, Mounts, then the volumes that
 * the image or the user declares. All is checked before the first volume is made.
 * @throws InvalidArgumentError, NotFoundError in Docker's words.
 */
export async function registerMounts(
  request: { readonly config: ContainerConfig; readonly host: HostConfig },
  sources: MountSources,
): Promise<readonly MountRecord[]> {
  const { config, host } = request
  const drafts = new Map<string, Draft>()
  for (const text of host.VolumesFrom ?? []) {
    for (const mount of volumesFrom(text, sources)) {
      drafts.set(mount.destination, { destination: mount.destination, finish: () => mount })
    }
  }
  const own = new Set<string>()
  const claim = (destination: string): void => {
    if (own.has(destination)) throw new InvalidArgumentError(`Duplicate mount point: ${destination}`)
    own.add(destination)
  }
  for (const text of host.Binds ?? []) {
    const draft = fromBind(text, host, sources)
    claim(draft.destination)
    drafts.set(draft.destination, draft)
  }
  for (const [path, options] of Object.entries(host.Tmpfs ?? {})) {
    const destination = cleanDestination(path, (why) => {
      throw new InvalidArgumentError(why)
    })
    claim(destination)
    tmpfsOptions(options)
    drafts.delete(destination)
  }
  for (const mount of host.Mounts ?? []) {
    const draft = fromMount(parseMount(mount), host, sources)
    claim(draft.destination)
    drafts.set(draft.destination, draft)
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const destination = cleanPath(path)
    if (drafts.has(destination) || own.has(destination)) continue
    drafts.set(
      destination,
      anonymousVolume({ destination, readOnly: false, driver: host.VolumeDriver ?? '' }, sources),
    )
  }
  return await Promise.all([...drafts.values()].map(async (draft) => await draft.finish()))
}

function volumesFrom(text: string, sources: MountSources): readonly MountRecord[] {
  const colon = text.lastIndexOf(':')
  const [reference, modeText] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
  const mode = parseMode(modeText)
  if (reference === '' || mode === null || !mode.copy) {
    throw new InvalidArgumentError(
      modeText === '' ? `invalid volumes-from specification: ${text}` : `invalid mode: ${modeText}`,
    )
  }
  return sources.container(reference).mounts.map((mount) => ({
    ...mount,
    readOnly: mount.readOnly || mode.readOnly,
    ...(modeText === '' ? {} : { mode: '' }),
    // The volume stays the first container's: `rm -v` of this one leaves it.
    ...(mount.type === 'volume' ? { anonymous: mount.anonymous, copyUp: false } : {}),
  }))
}

function fromBind(text: string, host: HostConfig, sources: MountSources): Draft {
  const bind = parseBind(text)
  const { destination, source, mode, modeText } = bind
  if (bind.kind === 'volume') {
    const at = {
      destination,
      readOnly: mode.readOnly,
      driver: host.VolumeDriver ?? '',
      copy: mode.copy,
      mode: modeText,
    }
    return source === '' ? anonymousVolume(at, sources) : namedVolume({ ...at, name: source }, sources)
  }
  return {
    destination,
    finish: () => ({
      type: 'bind',
      source,
      destination,
      readOnly: mode.readOnly,
      mode: modeText,
      ...propagationOf(source, mode.propagation, sources.dataRoot),
      recursive: true,
      readOnlyDepth: sources.readOnlyDepth,
      createSource: true,
    }),
  }
}

function fromMount(mount: ReturnType<typeof parseMount>, host: HostConfig, sources: MountSources): Draft {
  const { destination } = mount
  switch (mount.type) {
    case 'bind': {
      const asked = propagationOf(mount.source, mount.propagation, sources.dataRoot)
      const depth = mount.readOnlyDepth === 'best' ? sources.readOnlyDepth : mount.readOnlyDepth
      return { destination, finish: () => ({ ...mount, ...asked, readOnlyDepth: depth, mode: '' }) }
    }
    case 'tmpfs':
      return { destination, finish: () => ({ ...mount, mode: '' }) }
    case 'image': {
      const image = sources.image(mount.source)
      return {
        destination,
        finish: () => ({
          type: 'image',
          image: mount.source,
          imageId: image.id,
          destination,
          subpath: mount.subpath,
          readOnly: true,
          mode: '',
        }),
      }
    }
    case 'volume': {
      const driver = mount.driver || (host.VolumeDriver ?? '')
      const at = {
        destination,
        readOnly: mount.readOnly,
        driver,
        copy: mount.copy,
        subpath: mount.subpath,
        labels: mount.labels,
        options: mount.driverOptions,
        isMount: true,
      }
      return mount.source === ''
        ? anonymousVolume(at, sources)
        : namedVolume({ ...at, name: mount.source }, sources)
    }
  }
}

/**
 * A source within the daemon's root, or above it, shows the mounts of other containers: what the daemon unmounts must go
 * there too. @throws InvalidArgumentError for a propagation that would keep it
 */
function propagationOf(
  source: string,
  wanted: Propagation | null,
  dataRoot: string,
): { readonly propagation: Propagation; readonly followsHost?: true } {
  const isOurs = isWithin(source, dataRoot) || isWithin(dataRoot, source)
  if (!isOurs) return { propagation: wanted ?? 'rprivate' }
  if (wanted !== null && wanted !== 'rslave' && wanted !== 'rshared') {
    throw new InvalidArgumentError(
      'invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, ' +
        `daemon root: "${dataRoot}", bind mount source: "${source}", propagation: "${wanted}"`,
    )
  }
  return wanted === null ? { propagation: 'rslave', followsHost: true } : { propagation: wanted }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`)
}

interface VolumeWish {
  readonly destination: string
  readonly readOnly: boolean
  readonly driver: string
  readonly copy?: boolean
  readonly mode?: string
  readonly subpath?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly options?: Readonly<Record<string, string>>
  /** It comes from HostConfig.Mounts. */
  readonly isMount?: boolean
}

function anonymousVolume(wish: VolumeWish, sources: MountSources): Draft {
  return volume({ ...wish, name: '' }, sources)
}

function namedVolume(wish: VolumeWish & { readonly name: string }, sources: MountSources): Draft {
  return volume(wish, sources)
}

function volume(wish: VolumeWish & { readonly name: string }, sources: MountSources): Draft {
  const isNoted = wish.name !== '' || wish.isMount === true
  return {
    destination: wish.destination,
    async finish() {
      const made = await sources.volumes.create({
        Name: wish.name,
        Driver: wish.driver,
        DriverOpts: wish.options ?? {},
        Labels: wish.labels ?? {},
      })
      return {
        type: 'volume',
        name: made.Name,
        source: made.Mountpoint,
        driver: made.Driver,
        destination: wish.destination,
        readOnly: wish.readOnly,
        // Docker notes the SELinux default of volumes of its own driver, whether or not there is SELinux.
        mode: wish.mode || (isNoted && made.Driver === 'local' ? 'z' : ''),
        subpath: wish.subpath ?? '',
        copyUp: wish.copy ?? true,
        anonymous: wish.name === '',
      }
    },
  }
}
