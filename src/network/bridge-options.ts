import { isIP } from 'node:net'
import { InvalidArgumentError } from '#errors/errors.ts'
import { parseAddress } from './cidr.ts'

/** How others reach the containers of a network (Docker's `gateway_mode`). */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated'

/** The options of the bridge driver, read. */
export interface BridgeOptions {
  readonly bridge: string | null
  readonly mtu: number | null
  readonly icc: boolean
  readonly masquerade: boolean
  /** Where ports are published when the user names no host address; null: everywhere. */
  readonly hostBindingIPv4: string | null
  /** The host's addresses with which containers reach other hosts; null: those of the link that packets leave by. */
  readonly source: Readonly<Record<4 | 6, string | null>>
  /** Links of the host from which published ports may be reached at the container's own address. */
  readonly trustedInterfaces: readonly string[]
  readonly gatewayMode: Readonly<Record<4 | 6, GatewayMode>>
  /** The bridge gets no IPv4 address: a router on the link is the gateway. */
  readonly inhibitIPv4: boolean
  readonly interfacePrefix: string
}

const BRIDGE = 'com.docker.network.bridge.'

/** Reads the options of a bridge network; those of nobody are kept and mean nothing, as in Docker. @throws InvalidArgumentError. */
export function parseBridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  const bridge = options[`${BRIDGE}name`] ?? ''
  if (bridge !== '' && !/^[^\s/:]{1,15}$/.test(bridge)) {
    throw new InvalidArgumentError(`invalid value for ${BRIDGE}name: ${JSON.stringify(bridge)}`)
  }
  return {
    bridge: bridge === '' ? null : bridge,
    mtu: parseMtu(options),
    icc: parseFlag(options, `${BRIDGE}enable_icc`, true),
    masquerade: parseFlag(options, `${BRIDGE}enable_ip_masquerade`, true),
    hostBindingIPv4: parseHostBinding(options),
    source: { 4: parseSource(options, 4), 6: parseSource(options, 6) },
    trustedInterfaces: (options[`${BRIDGE}trusted_host_interfaces`] ?? '')
      .split(':')
      .filter((name) => name !== ''),
    gatewayMode: { 4: parseMode(options, 4), 6: parseMode(options, 6) },
    inhibitIPv4: parseFlag(options, `${BRIDGE}inhibit_ipv4`, false),
    interfacePrefix:
      options['com.docker.network.container_iface_prefix'] ??
      options['com.docker.network.container_interface_prefix'] ??
      'eth',
  }
}

/** The option that all drivers share: com.docker.network.driver.mtu. */
export function parseMtu(options: Readonly<Record<string, string>>): number | null {
  const text = options['com.docker.network.driver.mtu'] ?? ''
  if (text === '' || text === '0') return null
  const mtu = Number(text)
  if (!/^\d+$/.test(text) || mtu < 68 || mtu > 65535) {
    throw new InvalidArgumentError(`failed to parse com.docker.network.driver.mtu value: "${text}"`)
  }
  return mtu
}

function parseFlag(options: Readonly<Record<string, string>>, name: string, otherwise: boolean): boolean {
  const text = options[name] ?? ''
  if (text === '') return otherwise
  if (/^(1|t|true)$/i.test(text)) return true
  if (/^(0|f|false)$/i.test(text)) return false
  throw new InvalidArgumentError(`failed to parse ${name} value: ${text} (invalid syntax)`)
}

function parseHostBinding(options: Readonly<Record<string, string>>): string | null {
  const text = options[`${BRIDGE}host_binding_ipv4`] ?? ''
  if (text === '' || text === '0.0.0.0') return null
  try {
    parseAddress(text)
  } catch (cause) {
    throw new InvalidArgumentError(
      `failed to parse ${BRIDGE}host_binding_ipv4 value: ${text} (invalid ip address)`,
      { cause },
    )
  }
  return text
}

function parseSource(options: Readonly<Record<string, string>>, family: 4 | 6): string | null {
  const name = `com.docker.network.host_ipv${String(family)}`
  const text = options[name] ?? ''
  if (text === '' || isIP(text) === family) return text === '' ? null : text
  const reason = isIP(text) === 0 ? 'nil ip' : `not an IPv${String(family)} address`
  throw new InvalidArgumentError(`failed to parse ${name} value: ${text} (${reason})`)
}

function parseMode(options: Readonly<Record<string, string>>, family: 4 | 6): GatewayMode {
  const name = `${BRIDGE}gateway_mode_ipv${String(family)}`
  const text = options[name] ?? ''
  if (text === '') return 'nat'
  if (text === 'nat' || text === 'nat-unprotected' || text === 'routed' || text === 'isolated') return text
  throw new InvalidArgumentError(`failed to parse ${name} value: ${text} (unknown gateway mode ${text})`)
}
