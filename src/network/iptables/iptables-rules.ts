import { createHash } from 'node:crypto'
import { parseCidr } from '../cidr.ts'
import type { BridgeRules, PortRules } from '../firewall.ts'
import type { PublishedPort } from '../port-spec.ts'

/** The administrator's chain: Docker's own name, so that what is made for Docker works, and rules hold for both when both are there. */
export const USER_CHAIN = 'DOCKER-USER'

export const TABLES = ['raw', 'nat', 'filter'] as const
export type Table = (typeof TABLES)[number]

/** Our chains of one table, and where the kernel's own chains jump to them. */
export interface TableRules {
  /** Rules by chain, without `-A CHAIN`. */
  readonly chains: Readonly<Record<string, readonly string[]>>
  readonly jumps: readonly { readonly from: string; readonly rule: string }[]
}

/** What is declared. */
export interface Declared {
  readonly tag: string
  /** Others reach all published ports at the containers' own addresses. */
  readonly directRouting: boolean
  readonly bridges: readonly BridgeRules[]
  readonly ports: readonly PortRules[]
}

/** The chains of a daemon: names of chains end at 28 characters. */
export function chainNames(
  tag: string,
): Readonly<Record<'raw' | 'dnat' | 'snat' | 'hairpin' | 'forward' | 'to' | 'from', string>> {
  const short = tag.length <= 15 ? tag : createHash('sha256').update(tag).digest('hex').slice(0, 12)
  const chain = (name: string): string => `WHARF-${short}-${name}`
  return {
    raw: chain('RAW'), dnat: chain('DNAT'), snat: chain('SNAT'), hairpin: chain('HAIR'),
    forward: chain('FWD'), to: chain('TO'), from: chain('FROM'),
  } // prettier-ignore
}

/** The same as the nftables ruleset says, with a rule for each bridge and each port instead of sets: the kernel walks them one by one. */
export function iptablesRules(declared: Declared, family: 4 | 6): Readonly<Record<Table, TableRules>> {
  const names = chainNames(declared.tag)
  const loopback = family === 4 ? ['! -i lo -d 127.0.0.0/8 -j DROP'] : []
  const local = (from: string): TableRules['jumps'][number] => ({
    from,
    rule: `-m addrtype --dst-type LOCAL -j ${names.dnat}`,
  })
  return {
    raw: {
      chains: { [names.raw]: loopback },
      jumps: [{ from: 'PREROUTING', rule: `-j ${names.raw}` }],
    },
    nat: {
      chains: {
        [names.dnat]: dnatRules(declared, family),
        [names.hairpin]: subnetsOf(declared.bridges, family).map((subnet) => `-s ${subnet} -j MASQUERADE`),
        [names.snat]: snatRules(declared, family),
      },
      jumps: [local('PREROUTING'), local('OUTPUT'), { from: 'POSTROUTING', rule: `-j ${names.snat}` }],
    },
    filter: {
      chains: {
        [names.to]: toContainer(declared, family),
        [names.from]: fromContainer(declared),
        [names.forward]: forwardRules(declared),
      },
      jumps: [{ from: 'FORWARD', rule: `-j ${names.forward}` }],
    },
  }
}

const ESTABLISHED = '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'

function forwardRules({ tag, bridges }: Declared): string[] {
  const { to, from } = chainNames(tag)
  return [
    `-j ${USER_CHAIN}`,
    ...bridges.map(({ bridge }) => `-i ${bridge} -o ${bridge} -j ACCEPT`),
    ...bridges.map(({ bridge }) => `-o ${bridge} -g ${to}`),
    ...bridges.map(({ bridge }) => `-i ${bridge} -g ${from}`),
  ]
}

function toContainer({ bridges, ports, directRouting }: Declared, family: 4 | 6): string[] {
  const internal = bridges.filter((rules) => rules.internal)
  const open = bridges.filter((rules) => rules.access[family] === 'open')
  const routed = ports.flatMap((rules) => {
    const address = family === 4 ? rules.ipv4 : rules.ipv6
    if (address === null) return []
    const links = rules.routed[family] || directRouting ? [''] : rules.trusted.map((link) => `-i ${link} `)
    return portsOf(rules, family).flatMap(({ protocol, containerPort }) =>
      links.map((link) => `${link}-d ${address} -p ${protocol} --dport ${containerPort} -j ACCEPT`),
    )
  })
  return [
    ESTABLISHED,
    ...internal.flatMap(({ bridge }) => [`-i ${bridge} -j DROP`, `-o ${bridge} -j DROP`]),
    '-m conntrack --ctstate DNAT -j ACCEPT',
    ...bridges.map(({ bridge }) => `-i ${bridge} -j DROP`),
    ...open.map(({ bridge }) => `-o ${bridge} -j ACCEPT`),
    ...new Set(routed),
    '-j DROP',
  ]
}

function fromContainer({ bridges }: Declared): string[] {
  const internal = bridges.filter((rules) => rules.internal)
  return [ESTABLISHED, ...internal.map(({ bridge }) => `-i ${bridge} -j DROP`), '-j ACCEPT']
}

function dnatRules({ ports }: Declared, family: 4 | 6): string[] {
  const rules = ports.flatMap((published) => {
    const address = family === 4 ? published.ipv4 : published.ipv6
    // An IPv6 host address and a container without IPv6: the daemon passes the connection on itself.
    if (address === null || published.routed[family]) return []
    const target = family === 4 ? address : `[${address}]`
    return portsOf(published, family).map(({ protocol, hostIp, hostPort, containerPort }) => {
      const at = hostIp === '0.0.0.0' || hostIp === '::' ? '' : `-d ${hostIp} `
      return `${at}-p ${protocol} --dport ${hostPort} -j DNAT --to-destination ${target}:${containerPort}`
    })
  })
  // The kernel would never route what goes to IPv6 loopback to a container: the daemon's proxy takes it.
  return family === 4 ? rules : ['-d ::1/128 -j RETURN', ...rules]
}

function snatRules({ tag, bridges }: Declared, family: 4 | 6): string[] {
  const { hairpin } = chainNames(tag)
  const masked = bridges.filter((rules) => rules.masquerade.includes(family) && !rules.internal)
  return [
    ...(family === 4 ? bridges.map(({ bridge }) => `-s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`) : []),
    ...bridges.map(({ bridge }) => `-o ${bridge} -m conntrack --ctstate DNAT -j ${hairpin}`),
    ...bridges.map(({ bridge }) => `-o ${bridge} -j RETURN`),
    ...masked.flatMap((rules) => {
      const source = rules.source[family]
      const target = source === null ? 'MASQUERADE' : `SNAT --to-source ${source}`
      return subnetsOf([rules], family).map((subnet) => `-s ${subnet} -j ${target}`)
    }),
  ]
}

function subnetsOf(bridges: readonly BridgeRules[], family: 4 | 6): string[] {
  return bridges.flatMap(({ subnets }) => subnets.filter((text) => parseCidr(text).subnet.family === family))
}

function portsOf({ ports }: PortRules, family: 4 | 6): PublishedPort[] {
  return ports.filter(({ hostIp, relayed }) => hostIp.includes(':') === (family === 6) && relayed !== true)
}
