import type { DeviceMapping, DeviceRequest, ThrottleDevice } from '#spec/docker/host-config.ts'
import { custom, FlagValueError } from '../core/flag.ts'
import type { Flag } from '../core/flag.ts'
import { ExitError } from '../core/exit.ts'
import { parseBytes } from './bytes.ts'
import { csvFields } from './csv.ts'

const isMode = (text: string): boolean => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length

/** `--device`: `HOST[:CONTAINER[:rwm]]`, or a CDI name. */
export function parseDevice(text: string): DeviceMapping {
  const [PathOnHost = '', second = '', third] = text.split(':')
  if (PathOnHost === '') throw new ExitError(125, `bad format for path: ${text}`, { withHint: true })
  if (text.split(':').length > 3)
    throw new ExitError(125, `invalid device specification: ${text}`, { withHint: true })
  if (third === undefined && isMode(second))
    return { PathOnHost, PathInContainer: PathOnHost, CgroupPermissions: second }
  if (third !== undefined && !isMode(third))
    throw new ExitError(125, `invalid device specification: ${text}`, { withHint: true })
  return {
    PathOnHost,
    PathInContainer: second === '' ? PathOnHost : second,
    CgroupPermissions: third ?? 'rwm',
  }
}

/** A device with a rate, `--device-read-bps /dev/sda:1mb`. */
export function throttles(
  help: string,
  { isBytes }: { isBytes: boolean },
): Flag<readonly ThrottleDevice[] | null> {
  return custom<readonly ThrottleDevice[]>('list', {
    help,
    parse: (text, before) => {
      const at = text.indexOf(':')
      if (at < 1) throw new FlagValueError(`bad format: ${text}`)
      const Path = text.slice(0, at)
      if (!Path.startsWith('/dev/')) throw new FlagValueError(`bad format for device path: ${text}`)
      return [...(before ?? []), { Path, Rate: rate(text, { value: text.slice(at + 1), isBytes }) }]
    },
  })
}

function rate(text: string, { value, isBytes }: { value: string; isBytes: boolean }): number {
  const positive = isBytes
    ? 'The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb'
    : 'The correct format is <device-path>:<number>. Number must be a positive integer'
  try {
    if (!isBytes && !/^\d+$/.test(value)) throw new FlagValueError('')
    return isBytes ? parseBytes(value) : Number(value)
  } catch {
    throw new FlagValueError(`invalid rate for device: ${text}. ${positive}`)
  }
}

/** A device with a weight, `--blkio-weight-device /dev/sda:200`. */
export function weights(
  help: string,
): Flag<readonly { readonly Path: string; readonly Weight: number }[] | null> {
  return custom<readonly { readonly Path: string; readonly Weight: number }[]>('list', {
    help,
    parse: (text, before) => {
      const [Path = '', weight = '', ...more] = text.split(':')
      if (more.length > 0 || weight === '') throw new FlagValueError(`bad format: ${text}`)
      if (!Path.startsWith('/dev/')) throw new FlagValueError(`bad format for device path: ${text}`)
      const Weight = Number(weight)
      if (!/^\d+$/.test(weight) || (Weight > 0 && (Weight < 10 || Weight > 1000)))
        throw new FlagValueError(`invalid weight for device: ${text}`)
      return [...(before ?? []), { Path, Weight }]
    },
  })
}

/** `--gpus all`, `--gpus 2`, `--gpus device=0,capabilities=utility`. */
export function gpus(): Flag<readonly DeviceRequest[] | null> {
  return custom<readonly DeviceRequest[]>('gpu-request', {
    help: "GPUs to give to the container ('all' for all)",
    parse: (text, before) => [...(before ?? []), parseGpus(text)],
  })
}

function parseGpus(text: string): DeviceRequest {
  const request = {
    Driver: '',
    Count: 0,
    DeviceIDs: null as string[] | null,
    Capabilities: [['gpu']],
    Options: {} as Record<string, string>,
  }
  const count = (value: string): number => {
    if (value === 'all') return -1
    if (!/^-?\d+$/.test(value))
      throw new FlagValueError(
        `invalid count (${value}): value must be either "all" or an integer: invalid syntax`,
      )
    return Number(value)
  }
  for (const field of csvFields(text)) {
    const equals = field.indexOf('=')
    const key = equals < 0 ? field : field.slice(0, equals)
    const value = field.slice(equals + 1)
    if (equals < 0) request.Count = count(field)
    else if (key === 'driver') request.Driver = value
    else if (key === 'count') request.Count = count(value)
    else if (key === 'device') request.DeviceIDs = value.split(',')
    else if (key === 'capabilities') request.Capabilities = [[...value.split(','), 'gpu']]
    else if (key === 'options')
      request.Options = Object.fromEntries(
        csvFields(value).map((pair) => pair.split('=', 2) as [string, string]),
      )
    else throw new FlagValueError(`unexpected key '${key}' in '${field}'`)
  }
  if (request.Count === 0 && request.DeviceIDs === null) request.Count = 1
  return request
}
