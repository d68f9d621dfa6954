import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Mount } from '#spec/docker/host-config.ts'
import { cleanDestination, cleanPath } from './parse-bind.ts'
import type { Propagation } from './mount-record.ts'
import { mountOptionTexts } from './tmpfs-options.ts'

/** An entry of HostConfig.Mounts that was checked; volumes and images are looked up by who registers it. */
export type ParsedMount =
  | {
      readonly type: 'bind'
      readonly source: string
      readonly destination: string
      readonly readOnly: boolean
      /** Null where the user names none. */
      readonly propagation: Propagation | null
      readonly recursive: boolean
      readonly readOnlyDepth: 'best' | 'force' | 'top'
      readonly createSource: boolean
      readonly consistency: string
    }
  | {
      readonly type: 'volume'
      readonly source: string
      readonly destination: string
      readonly readOnly: boolean
      readonly copy: boolean
      readonly subpath: string
      readonly labels: Readonly<Record<string, string>>
      readonly driver: string
      readonly driverOptions: Readonly<Record<string, string>>
    }
  | {
      readonly type: 'tmpfs'
      readonly destination: string
      readonly readOnly: boolean
      readonly options: readonly string[]
    }
  | {
      readonly type: 'image'
      readonly source: string
      readonly destination: string
      readonly subpath: string
    }

/** Parses an entry of HostConfig.Mounts. @throws InvalidArgumentError in Docker's words. */
export function parseMount(mount: Mount): ParsedMount {
  const type = mount.Type ?? ''
  const refuse = (why: string): never => {
    throw new InvalidArgumentError(`invalid mount config for type "${type}": ${why}`)
  }
  if ((mount.Target ?? '') === '') refuse('field Target must not be empty')
  const destination = cleanDestination(mount.Target ?? '', refuse)
  const readOnly = mount.ReadOnly === true
  const forbid = (field: string, present: unknown): void => {
    if (present !== null && present !== undefined) refuse(`field ${field} must not be specified`)
  }
  const source = mount.Source ?? ''
  if (type !== 'bind') forbid('BindOptions', mount.BindOptions)
  if (type !== 'volume') forbid('VolumeOptions', mount.VolumeOptions)
  if (type !== 'tmpfs') forbid('TmpfsOptions', mount.TmpfsOptions)
  if (type !== 'image') forbid('ImageOptions', mount.ImageOptions)
  switch (type) {
    case 'bind':
      return parseBindMount(mount, { destination, readOnly, refuse })
    case 'volume': {
      const options = mount.VolumeOptions
      const subpath = checkSubpath(options?.Subpath ?? '', refuse)
      if (source === '' && subpath !== '') refuse('must not set Subpath when using anonymous volumes')
      if (source === '' && readOnly) refuse('must not set ReadOnly mode when using anonymous volumes')
      return {
        type,
        source,
        destination,
        readOnly,
        subpath,
        copy: options?.NoCopy !== true,
        labels: options?.Labels ?? {},
        driver: options?.DriverConfig?.Name ?? '',
        driverOptions: options?.DriverConfig?.Options ?? {},
      }
    }
    case 'tmpfs': {
      if (source !== '') refuse('field Source must not be specified')
      return { type, destination, readOnly, options: mountOptionTexts(mount.TmpfsOptions ?? {}, readOnly) }
    }
    case 'image':
      if (source === '') refuse('field Source must not be empty')
      return { type, source, destination, subpath: checkSubpath(mount.ImageOptions?.Subpath ?? '', refuse) }
    case 'npipe':
    case 'cluster':
    case '':
      return refuse(type === '' ? 'mount type unknown: ""' : `mount type "${type}" is not supported on linux`)
    default:
      throw new InvalidArgumentError(`invalid mount config for type "${String(type)}": mount type unknown`)
  }
}

function parseBindMount(
  mount: Mount,
  at: { destination: string; readOnly: boolean; refuse: (why: string) => never },
): ParsedMount {
  const { destination, readOnly, refuse } = at
  const source = mount.Source ?? ''
  const options = mount.BindOptions
  if (source === '') refuse('field Source must not be empty')
  if (!posix.isAbsolute(source)) refuse(`invalid mount path: '${source}' mount path must be absolute`)
  const createSource = options?.CreateMountpoint === true
  if (!createSource && !existsSync(source)) refuse(`bind source path does not exist: ${source}`)
  const propagation = options?.Propagation || null
  if (
    propagation !== null &&
    !['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave'].includes(propagation)
  ) {
    refuse(`invalid propagation mode: ${propagation}`)
  }
  const force = options?.ReadOnlyForceRecursive === true
  if (force && !readOnly) refuse('ReadOnlyForceRecursive requires ReadOnly')
  if (force && options?.NonRecursive === true) refuse('ReadOnlyForceRecursive conflicts with NonRecursive')
  if (force && options?.ReadOnlyNonRecursive === true) {
    refuse('ReadOnlyForceRecursive conflicts with ReadOnlyNonRecursive')
  }
  return {
    type: 'bind',
    source: cleanPath(source),
    destination,
    readOnly,
    propagation,
    recursive: options?.NonRecursive !== true,
    readOnlyDepth: force ? 'force' : options?.ReadOnlyNonRecursive === true ? 'top' : 'best',
    createSource,
    consistency: mount.Consistency ?? '',
  }
}

/** A path inside a volume or an image: relative, and never upwards. */
function checkSubpath(subpath: string, refuse: (why: string) => never): string {
  if (subpath === '') return ''
  const clean = posix.normalize(subpath)
  if (posix.isAbsolute(subpath) || clean === '..' || clean.startsWith('../')) {
    refuse('subpath must be a relative path within the volume')
  }
  return clean
}
