import { InvalidArgumentError } from '#errors/errors.ts'
import { isRecord, recordsField, textField } from '#plugins/answer-fields.ts'
import type { PluginAnswer } from '#plugins/plugins.ts'
import { formatAddress, parseAddress, parseCidr } from '../cidr.ts'
import type { ForeignEndpoint } from '../records.ts'

/** What ADD made of an endpoint ("Section 5: Result Types"). */
export interface CniEndpoint {
  readonly mac: string | null
  readonly ipv4: string | null
  readonly ipv6: string | null
  readonly foreign: ForeignEndpoint
}

/** Reads the result of the last plugin of a chain. @throws InvalidArgumentError for what cannot be. */
export function readCniResult(result: unknown, ifname: string): CniEndpoint {
  if (!isRecord(result)) throw new InvalidArgumentError('the CNI plugins gave no result')
  try {
    const addresses = recordsField(result, 'ips').map((entry) => ({
      cidr: parseCidr(textField(entry, 'address')),
      gateway: textField(entry, 'gateway'),
    }))
    const first = (family: 4 | 6): (typeof addresses)[number] | undefined =>
      addresses.find(({ cidr }) => cidr.subnet.family === family)
    const text = (family: 4 | 6): string | null => {
      const found = first(family)
      return found === undefined ? null : formatAddress(found.cidr.address)
    }
    const gateway = (family: 4 | 6): string | null =>
      defaultRoute(result, family, first(family)?.gateway ?? '')
    const inside = recordsField(result, 'interfaces').find(
      (entry) => textField(entry, 'name') === ifname && textField(entry, 'sandbox') !== '',
    )
    return {
      mac: inside === undefined ? null : textField(inside, 'mac') || null,
      ipv4: text(4),
      ipv6: text(6),
      foreign: {
        link: null,
        gateways: { 4: gateway(4), 6: gateway(6) },
        prefixes: { 4: first(4)?.cidr.subnet.prefix ?? 0, 6: first(6)?.cidr.subnet.prefix ?? 0 },
        routes: [],
      },
    }
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) throw cause
    throw new InvalidArgumentError(`the CNI plugins answered what cannot be: ${String(cause)}`, { cause })
  }
}

/** Where the plugins led the default route of a family; null when they made none. */
function defaultRoute(result: PluginAnswer, family: 4 | 6, gateway: string): string | null {
  for (const route of recordsField(result, 'routes')) {
    const { subnet } = parseCidr(textField(route, 'dst'))
    if (subnet.family !== family || subnet.prefix !== 0) continue
    const via = textField(route, 'gw') || gateway
    if (via !== '') return formatAddress(parseAddress(via))
  }
  return null
}
