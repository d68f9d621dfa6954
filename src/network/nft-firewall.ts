import { applyRuleset, NftTable } from '#kernel/nftables.ts'
import type { SetElement } from '#kernel/nftables.ts'
import { errnoOf } from '#errors/errors.ts'
import { addressBytes, parseAddress, parseCidr } from './cidr.ts'
import type { BridgeRules, Firewall, PortRules } from './firewall.ts'
import type { UserRules } from './user-rules.ts'

const PROTOCOLS = { tcp: 6, udp: 17, sctp: 132 } as const

/** Who the firewall is of, and what it is for. */
export interface NftFirewallOptions {
  /** Letters, digits and underscores. */
  readonly tag: string
  /** The other has no rules (`iptables`, `ip6tables`). */
  readonly families: readonly (4 | 6)[]
  /** Others reach all published ports at the containers' own addresses, besides by NAT (`allow-direct-routing`). */
  readonly directRouting: boolean
  readonly userRules: UserRules
}

const SETS = [
  'bridges', 'same', 'internal', 'open_if4', 'open_if6', 'subnets4', 'subnets6', 'masquerade4', 'masquerade6',
  'snat4', 'snat6', 'any4', 'any6', 'one4', 'one6', 'routed4', 'routed6', 'direct4', 'direct6',
] // prettier-ignore

/**
 * A table of nftables for the daemon (`inet wharf_<tag>`).
 *
 * The rules never change; networks and ports are elements of sets and maps. One look-up decides, however many ports there are. The chain `user` is the
 * administrator's: it comes first for all forwarded packets and Wharf never touches what is in it (Docker's DOCKER-USER).
 */
export class NftFirewall implements Firewall {
  readonly #table: NftTable
  readonly #bridges = new Map<string, BridgeRules>()
  readonly #ports = new Map<string, PortRules>()
  readonly #options: NftFirewallOptions
  #generation = 0
  /** The rules of our chains as they were installed. */
  #rules = ''
  #healing: Promise<void> | null = null

  constructor(options: NftFirewallOptions) {
    this.#options = options
    this.#table = new NftTable(`wharf_${options.tag}`)
  }

  [Symbol.dispose](): void {
    this.#table[Symbol.dispose]()
  }

  /** Makes the table as it must be: rules and elements, and the administrator's rules when their chain is gone. */
  async install(): Promise<void> {
    this.#healing ??= this.#install().finally(() => {
      this.#healing = null
    })
    return await this.#healing
  }

  async #install(): Promise<void> {
    const { name } = this.#table
    const { userRules, families } = this.#options
    const ruleset = rulesetText(name, families)
    const [kept, lost] = this.#table.hasChain('user') ? ['', false] : [userRules.text(), true]
    try {
      await applyRuleset(ruleset + kept)
    } catch {
      // A table of this name with other sets: an older Wharf's. Or rules that stand no more, since a set that they name went with the table.
      if (!lost) await userRules.remember(name)
      const anew = `add table inet ${name}\ndelete table inet ${name}\n${ruleset}`
      try {
        await applyRuleset(anew + userRules.text())
      } catch (error) {
        if (userRules.text() === '') throw error
        await applyRuleset(anew)
        userRules.giveUp(error)
      }
    }
    this.#table.replace(SETS, this.#elements())
    this.#note()
    await userRules.follow(this.#table)
  }

  /** Notes what must not change but by us. */
  #note(): void {
    this.#generation = this.#table.generation()
    this.#rules = this.#ownRules()
  }

  #ownRules(): string {
    const rules = this.#table.rules().filter(({ chain }) => chain !== 'user')
    return rules.map(({ chain, handle }) => `${chain} ${String(handle)}`).join()
  }

  async heal(): Promise<boolean> {
    const generation = this.#table.generation()
    if (generation === this.#generation || this.#healing !== null) return false
    this.#generation = generation
    if (this.#table.hasChain('user') && this.#ownRules() === this.#rules) {
      await this.#options.userRules.follow(this.#table)
      return false
    }
    await this.install()
    return true
  }

  /** Nothing waits: netlink answers at once. */
  settled(): Promise<void> {
    return Promise.resolve()
  }

  async uninstall(): Promise<void> {
    await this.#options.userRules.follow(this.#table)
    await applyRuleset(`add table inet ${this.#table.name}\ndelete table inet ${this.#table.name}\n`)
  }

  addBridge(rules: BridgeRules, options: { readonly quiet?: boolean } = {}): void {
    this.#bridges.set(rules.bridge, rules)
    if (options.quiet !== true) this.#change(() => this.#table.add(this.#bridgeElements(rules)))
  }

  removeBridge(bridge: string): void {
    const rules = this.#bridges.get(bridge)
    if (rules === undefined) return
    this.#bridges.delete(bridge)
    this.#change(() => this.#table.remove(this.#bridgeElements(rules)))
  }

  publish(endpointId: string, rules: PortRules, options: { readonly quiet?: boolean } = {}): void {
    if (rules.ports.length === 0) return
    this.#ports.set(endpointId, rules)
    if (options.quiet !== true) this.#change(() => this.#table.add(this.#portElements(rules)))
  }

  republish(endpointId: string, rules: PortRules): void {
    const before = this.#ports.get(endpointId)
    const [old, now] = [before === undefined ? [] : this.#portElements(before), this.#portElements(rules)]
    if (rules.ports.length === 0) this.#ports.delete(endpointId)
    else this.#ports.set(endpointId, rules)
    this.#change(() => this.#table.change(elementsWithout(old, now), elementsWithout(now, old)))
  }

  unpublish(endpointId: string): void {
    const rules = this.#ports.get(endpointId)
    if (rules === undefined) return
    this.#ports.delete(endpointId)
    this.#change(() => this.#table.remove(this.#portElements(rules)))
  }

  /** Everything is declared before the kernel is told: a table that is gone comes back with the change in it. */
  #change(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      void this.install().catch(() => {})
    }
  }

  #bridgeElements(rules: BridgeRules): SetElement[] {
    return this.#wanted(bridgeElements(rules))
  }

  #portElements(rules: PortRules): SetElement[] {
    return this.#wanted(portElements(rules, this.#options.directRouting))
  }

  /** Without those of a family that has no rules. */
  #wanted(elements: SetElement[]): SetElement[] {
    const { families } = this.#options
    const others = ([4, 6] as const).filter((family) => !families.includes(family)).map(String)
    return others.length === 0 ? elements : elements.filter(({ set }) => !others.includes(set.slice(-1)))
  }

  #elements(): SetElement[] {
    return [
      ...[...this.#bridges.values()].flatMap((rules) => this.#bridgeElements(rules)),
      ...[...this.#ports.values()].flatMap((rules) => this.#portElements(rules)),
    ]
  }
}

function bridgeElements(rules: BridgeRules): SetElement[] {
  const name = Buffer.alloc(16)
  name.write(rules.bridge)
  const elements: SetElement[] = [
    { set: 'bridges', key: name },
    { set: 'same', key: Buffer.concat([name, name]) },
  ]
  if (rules.internal) elements.push({ set: 'internal', key: name })
  if (rules.access[4] === 'open') elements.push({ set: 'open_if4', key: name })
  if (rules.access[6] === 'open') elements.push({ set: 'open_if6', key: name })
  for (const text of rules.subnets) {
    const { subnet } = parseCidr(text)
    const from = addressBytes({ family: subnet.family, value: subnet.first })
    const end = addressBytes({ family: subnet.family, value: subnet.last + 1n })
    const leaves = rules.masquerade.includes(subnet.family) && !rules.internal
    const source = rules.source[subnet.family]
    if (leaves && source !== null) {
      const set = `snat${String(subnet.family)}`
      const value = addressBytes(parseAddress(source))
      elements.push({ set, key: from, value }, { set, key: end, intervalEnd: true })
    }
    for (const base of leaves && source === null ? ['subnets', 'masquerade'] : ['subnets']) {
      const set = `${base}${String(subnet.family)}`
      elements.push({ set, key: from }, { set, key: end, intervalEnd: true })
    }
  }
  return elements
}

/** The first of these that are not among the others. */
function elementsWithout(elements: readonly SetElement[], others: readonly SetElement[]): SetElement[] {
  const text = ({ set, key, value }: SetElement): string =>
    `${set} ${key.toString('hex')} ${value?.toString('hex') ?? ''}`
  const known = new Set(others.map(text))
  return elements.filter((element) => !known.has(text(element)))
}

/** A port of a container that is published twice is named once. */
function portElements(rules: PortRules, directRouting: boolean): SetElement[] {
  const elements = new Map<string, SetElement>()
  for (const element of allPortElements(rules, directRouting)) {
    elements.set(`${element.set} ${element.key.toString('hex')}`, element)
  }
  return [...elements.values()]
}

function allPortElements(rules: PortRules, directRouting: boolean): SetElement[] {
  return rules.ports.flatMap((port): SetElement[] => {
    if (port.relayed === true) return []
    const family = port.hostIp.includes(':') ? 6 : 4
    const container = family === 4 ? rules.ipv4 : rules.ipv6
    // An IPv6 host address and a container without IPv6: the daemon passes the connection on itself.
    if (container === null) return []
    const address = addressBytes(parseAddress(container))
    const protocol = Buffer.from([PROTOCOLS[port.protocol], 0, 0, 0])
    const inside = Buffer.concat([address, protocol, portField(port.containerPort)])
    const routed = { set: `routed${String(family)}`, key: inside }
    if (rules.routed[family]) return [routed]
    const direct = rules.trusted.map((name) => {
      const link = Buffer.alloc(16)
      link.write(name)
      return { set: `direct${String(family)}`, key: Buffer.concat([link, inside]) }
    })
    if (directRouting) direct.push(routed)
    const value = Buffer.concat([address, portField(port.containerPort)])
    const at = Buffer.concat([protocol, portField(port.hostPort)])
    if (port.hostIp === '0.0.0.0' || port.hostIp === '::')
      return [...direct, { set: `any${String(family)}`, key: at, value }]
    return [
      ...direct,
      {
        set: `one${String(family)}`,
        key: Buffer.concat([addressBytes(parseAddress(port.hostIp)), at]),
        value,
      },
    ]
  })
}

function portField(port: number): Buffer {
  return Buffer.from([port >> 8, port & 255, 0, 0])
}

/**
 * The rules. Notes on the less obvious ones:
 * - `raw`: 127.0.0.0/8 never comes from outside, though route_localnet is on for our bridges (a port published on loopback is for this host only).
 * - `postrouting`: a container that reaches a published port of its own network by the host's address must get the answer through the host (hairpin);
 *   a process of the host that uses loopback needs an address that the container can answer to.
 * - `ports`: what goes to IPv6 loopback the kernel would never route to a container: the daemon's proxy takes it.
 * - `to_container`: what was translated came through a published port.
 */
function rulesetText(table: string, families: readonly (4 | 6)[]): string {
  const [ipv4, ipv6] = [families.includes(4), families.includes(6)]
  const chains: Readonly<Record<string, readonly string[]>> = {
    raw: [
      'type filter hook prerouting priority raw; policy accept;',
      ...(ipv4 ? ['iifname != "lo" ip daddr 127.0.0.0/8 drop'] : []),
    ],
    prerouting: [
      'type nat hook prerouting priority dstnat; policy accept;',
      'fib daddr type local meta l4proto { tcp, udp, sctp } jump ports',
    ],
    output: [
      'type nat hook output priority -100; policy accept;',
      'fib daddr type local meta l4proto { tcp, udp, sctp } jump ports',
    ],
    postrouting: [
      'type nat hook postrouting priority srcnat; policy accept;',
      'oifname @bridges ip saddr 127.0.0.0/8 masquerade',
      'oifname @bridges ct status dnat ip saddr @subnets4 masquerade',
      'oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade',
      'oifname != @bridges snat ip to ip saddr map @snat4',
      'oifname != @bridges snat ip6 to ip6 saddr map @snat6',
      'oifname != @bridges ip saddr @masquerade4 masquerade',
      'oifname != @bridges ip6 saddr @masquerade6 masquerade',
    ],
    ports: [
      'dnat ip to ip daddr . meta l4proto . th dport map @one4',
      'dnat ip to meta l4proto . th dport map @any4',
      'ip6 daddr ::1 return',
      'dnat ip6 to ip6 daddr . meta l4proto . th dport map @one6',
      'dnat ip6 to meta l4proto . th dport map @any6',
    ],
    forward: [
      'type filter hook forward priority filter; policy accept;',
      'jump user',
      ...(ipv4 ? [] : ['meta nfproto ipv4 accept']),
      ...(ipv6 ? [] : ['meta nfproto ipv6 accept']),
      'iifname . oifname @same accept',
      'oifname @bridges goto to_container',
      'iifname @bridges goto from_container',
    ],
    to_container: [
      'ct state established,related accept',
      'iifname @internal drop',
      'oifname @internal drop',
      'ct status dnat accept',
      'iifname @bridges drop',
      'oifname @open_if4 meta nfproto ipv4 accept',
      'oifname @open_if6 meta nfproto ipv6 accept',
      'ip daddr . meta l4proto . th dport @routed4 accept',
      'ip6 daddr . meta l4proto . th dport @routed6 accept',
      'iifname . ip daddr . meta l4proto . th dport @direct4 accept',
      'iifname . ip6 daddr . meta l4proto . th dport @direct6 accept',
      'drop',
    ],
    from_container: ['ct state established,related accept', 'iifname @internal drop', 'accept'],
  }
  const sets: Readonly<Record<string, string>> = {
    bridges: 'set { type ifname; }',
    same: 'set { type ifname . ifname; }',
    internal: 'set { type ifname; }',
    open_if4: 'set { type ifname; }',
    open_if6: 'set { type ifname; }',
    subnets4: 'set { type ipv4_addr; flags interval; }',
    subnets6: 'set { type ipv6_addr; flags interval; }',
    masquerade4: 'set { type ipv4_addr; flags interval; }',
    masquerade6: 'set { type ipv6_addr; flags interval; }',
    snat4: 'map { type ipv4_addr : ipv4_addr; flags interval; }',
    snat6: 'map { type ipv6_addr : ipv6_addr; flags interval; }',
    any4: 'map { type inet_proto . inet_service : ipv4_addr . inet_service; }',
    any6: 'map { type inet_proto . inet_service : ipv6_addr . inet_service; }',
    one4: 'map { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }',
    one6: 'map { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }',
    routed4: 'set { type ipv4_addr . inet_proto . inet_service; }',
    routed6: 'set { type ipv6_addr . inet_proto . inet_service; }',
    direct4: 'set { type ifname . ipv4_addr . inet_proto . inet_service; }',
    direct6: 'set { type ifname . ipv6_addr . inet_proto . inet_service; }',
  }
  const lines = [`add table inet ${table}`]
  for (const [name, definition] of Object.entries(sets)) {
    const [kind = '', ...body] = definition.split(' ')
    lines.push(`add ${kind} inet ${table} ${name} ${body.join(' ')}`)
  }
  lines.push(`add chain inet ${table} user`)
  // Chains first: rules may jump to any of them.
  for (const [name, [first = '']] of Object.entries(chains)) {
    lines.push(`add chain inet ${table} ${name}${first.startsWith('type ') ? ` { ${first} }` : ''}`)
    lines.push(`flush chain inet ${table} ${name}`)
  }
  for (const [name, rules] of Object.entries(chains)) {
    for (const rule of rules)
      if (!rule.startsWith('type ')) lines.push(`add rule inet ${table} ${name} ${rule}`)
  }
  return `${lines.join('\n')}\n`
}
