import { resolve } from 'node:path'
import type { Mount, MountType } from '#spec/docker/host-config.ts'
import { custom, FlagValueError } from '../core/flag.ts'
import type { Flag } from '../core/flag.ts'
import { parseBytes } from './bytes.ts'
import { csvFields, parseGoBool } from './csv.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }
interface Draft {
  Type: MountType
  Source?: string
  Target?: string
  ReadOnly?: boolean
  Consistency?: string
  bind?: Writable<NonNullable<Mount['BindOptions']>>
  volume?: Writable<NonNullable<Mount['VolumeOptions']>> & { Labels?: Record<string, string> }
  image?: Writable<NonNullable<Mount['ImageOptions']>>
  tmpfs?: Writable<NonNullable<Mount['TmpfsOptions']>>
}

/** One `--mount`: `type=bind,source=/a,target=/b,readonly`. @throws FlagValueError in Docker's words. */
export function parseMount(text: string): Mount {
  if (text.trim() === '') throw new FlagValueError('value is empty')
  const draft: Draft = { Type: 'volume' }
  for (const field of csvFields(text)) readField(draft, field)
  return finish(draft)
}

/** The flag `--mount`. */
export function mounts(): Flag<readonly Mount[] | null> {
  return custom<readonly Mount[]>('mount', {
    help: 'Attach a file system (type=…,source=…,target=…)',
    parse: (text, before) => [...(before ?? []), parseMount(text)],
  })
}

function readField(draft: Draft, field: string): void {
  const equals = field.indexOf('=')
  const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase()
  const value = equals < 0 ? null : field.slice(equals + 1)
  const flag = (): boolean => {
    if (value === null) return true
    const parsed = parseGoBool(value)
    if (parsed === null)
      throw new FlagValueError(
        `invalid value for '${key}': invalid boolean value ("${value}"): must be one of "true", "1", "false", or "0" (default "true")`,
      )
    return parsed
  }
  if (key === 'readonly' || key === 'ro') return void (draft.ReadOnly = flag())
  if (key === 'volume-nocopy') return void ((draft.volume ??= {}).NoCopy = flag())
  if (key === 'bind-nonrecursive') return void ((draft.bind ??= {}).NonRecursive = flag())
  if (key === 'bind-create-src') return void ((draft.bind ??= {}).CreateMountpoint = flag())
  if (value === null) throw new FlagValueError(`invalid field '${field}' must be a key=value pair`)
  switch (key) {
    case 'type':
      return void (draft.Type = value.toLowerCase() as MountType)
    case 'source':
    case 'src':
      return void (draft.Source = /^\.{1,2}(\/|$)/.test(value) ? resolve(value) : value)
    case 'target':
    case 'dst':
    case 'destination':
      return void (draft.Target = value)
    case 'consistency':
      return void (draft.Consistency = value.toLowerCase())
    case 'bind-propagation':
      return void ((draft.bind ??= {}).Propagation = value.toLowerCase() as 'rprivate')
    case 'bind-recursive':
      return recursive(draft, value)
    case 'volume-subpath':
      return void ((draft.volume ??= {}).Subpath = value)
    case 'volume-label': {
      const [name = '', label = ''] = splitOnce(value)
      const volume = (draft.volume ??= {})
      return void (volume.Labels = { ...volume.Labels, [name]: label })
    }
    case 'volume-driver': {
      const volume = (draft.volume ??= {})
      return void (volume.DriverConfig = { ...volume.DriverConfig, Name: value })
    }
    case 'volume-opt': {
      const [name = '', option = ''] = splitOnce(value)
      const volume = (draft.volume ??= {})
      return void (volume.DriverConfig = {
        ...volume.DriverConfig,
        Options: { ...volume.DriverConfig?.Options, [name]: option },
      })
    }
    case 'image-subpath':
      return void ((draft.image ??= {}).Subpath = value)
    case 'tmpfs-size':
      return void ((draft.tmpfs ??= {}).SizeBytes = size(key, value))
    case 'tmpfs-mode':
      if (!/^[0-7]+$/.test(value)) throw new FlagValueError(`invalid value for ${key}: ${value}`)
      return void ((draft.tmpfs ??= {}).Mode = Number.parseInt(value, 8))
    default:
      throw new FlagValueError(`unexpected key '${key}' in '${field}'`)
  }
}

function size(key: string, value: string): number {
  try {
    return parseBytes(value)
  } catch {
    throw new FlagValueError(`invalid value for ${key}: ${value}`)
  }
}

function recursive(draft: Draft, value: string): void {
  const bind = (draft.bind ??= {})
  if (value === 'enabled') return
  if (value === 'disabled') bind.NonRecursive = true
  else if (value === 'writable') bind.ReadOnlyNonRecursive = true
  else if (value === 'readonly') bind.ReadOnlyForceRecursive = true
  else
    throw new FlagValueError(
      `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
    )
}

function finish(draft: Draft): Mount {
  const { Type, bind, volume, image, tmpfs, ...rest } = draft
  if (draft.Target === undefined || draft.Target === '') throw new FlagValueError('target is required')
  if (volume !== undefined && Type !== 'volume')
    throw new FlagValueError(`cannot mix 'volume-*' options with mount type '${Type}'`)
  if (bind !== undefined && Type !== 'bind')
    throw new FlagValueError(`cannot mix 'bind-*' options with mount type '${Type}'`)
  if (tmpfs !== undefined && Type !== 'tmpfs')
    throw new FlagValueError(`cannot mix 'tmpfs-*' options with mount type '${Type}'`)
  if (image !== undefined && Type !== 'image')
    throw new FlagValueError(`cannot mix 'image-*' options with mount type '${Type}'`)
  if (bind?.ReadOnlyNonRecursive === true && draft.ReadOnly !== true)
    throw new FlagValueError(
      "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction",
    )
  if (bind?.ReadOnlyForceRecursive === true && draft.ReadOnly !== true)
    throw new FlagValueError(
      "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction",
    )
  return {
    Type,
    ...rest,
    ...(bind === undefined ? {} : { BindOptions: bind }),
    ...(volume === undefined ? {} : { VolumeOptions: volume }),
    ...(image === undefined ? {} : { ImageOptions: image }),
    ...(tmpfs === undefined ? {} : { TmpfsOptions: tmpfs }),
  }
}

function splitOnce(text: string): [string, string] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
}
