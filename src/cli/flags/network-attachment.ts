import { custom, FlagValueError } from '../core/flag.ts'
import type { Flag } from '../core/flag.ts'
import { csvFields } from './csv.ts'

/** One `--network` of a container. */
export interface NetworkAttachment {
  readonly target: string
  aliases: string[]
  driverOpts: Record<string, string>
  ip?: string
  ip6?: string
  macAddress?: string
  linkLocalIps: string[]
  gwPriority?: number
}

/** `NAME`, or `name=NAME,alias=…,ip=…,driver-opt=…`. @throws FlagValueError. */
export function parseNetwork(text: string): NetworkAttachment {
  const bare = { aliases: [], driverOpts: {}, linkLocalIps: [] }
  if (!text.includes('=')) return { target: text, ...bare }
  const draft: Omit<NetworkAttachment, 'target'> & { target: string } = { target: '', ...bare }
  for (const field of csvFields(text)) {
    const equals = field.indexOf('=')
    if (equals < 0) throw new FlagValueError(`invalid field ${field}`)
    const key = field.slice(0, equals).trim().toLowerCase()
    const value = field.slice(equals + 1).trim()
    if (key === 'name') draft.target = value
    else if (key === 'alias') draft.aliases.push(value)
    else if (key === 'ip') draft.ip = value
    else if (key === 'ip6') draft.ip6 = value
    else if (key === 'mac-address') draft.macAddress = value
    else if (key === 'link-local-ip') draft.linkLocalIps.push(value)
    else if (key === 'gw-priority') {
      if (!/^-?\d+$/.test(value))
        throw new FlagValueError(`invalid gw-priority: invalid value "${value}": must be an integer`)
      draft.gwPriority = Number(value)
    } else if (key === 'driver-opt') {
      const at = value.indexOf('=')
      if (at < 1) throw new FlagValueError('invalid key value pair format in driver options')
      draft.driverOpts[value.slice(0, at).toLowerCase()] = value.slice(at + 1)
    } else throw new FlagValueError(`invalid field key ${key}`)
  }
  if (draft.target === '') throw new FlagValueError('network name/id is not specified')
  return draft
}

/** The flag `--network`. */
export function networks(options: { hidden?: boolean } = {}): Flag<readonly NetworkAttachment[] | null> {
  return custom<readonly NetworkAttachment[]>('network', {
    ...options,
    help: 'Connect to a network',
    parse: (text, before) => [...(before ?? []), parseNetwork(text)],
  })
}
