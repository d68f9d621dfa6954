import { existsSync } from 'node:fs'
import type { Iptables } from '#kernel/iptables.ts'
import type { BridgeRules, Firewall, PortRules } from '../firewall.ts'
import { iptablesRules, TABLES, USER_CHAIN } from './iptables-rules.ts'
import type { Table, TableRules } from './iptables-rules.ts'

/** A look at the tables is two programs: not each time that somebody asks. */
const LOOK_EVERY = 4

/**
 * The firewall as chains of iptables. What is declared is rendered anew and put in place as one transaction for each table that differs: while one runs,
 * what is declared meanwhile waits for the next, so many containers that start at once share one.
 */
export class IptablesFirewall implements Firewall {
  readonly #iptables: Iptables
  readonly #tag: string
  readonly #directRouting: boolean
  readonly #families: readonly (4 | 6)[]
  readonly #bridges = new Map<string, BridgeRules>()
  readonly #ports = new Map<string, PortRules>()
  /** What each table was last told. */
  readonly #told = new Map<string, string>()
  #installed = false
  #dirty = false
  #running: Promise<void> | null = null
  #looks = 0

  constructor(
    iptables: Iptables,
    options: { readonly tag: string; readonly families: readonly (4 | 6)[]; readonly directRouting: boolean },
  ) {
    this.#iptables = iptables
    this.#tag = options.tag
    this.#directRouting = options.directRouting
    const hasIPv6 = existsSync('/proc/net/if_inet6')
    this.#families = options.families.filter((family) => family === 4 || hasIPv6)
  }

  [Symbol.dispose](): void {}

  async install(): Promise<void> {
    await this.#running?.catch(() => {}) // Who declared it was told.
    this.#told.clear()
    this.#installed = true
    this.#change()
    await this.settled()
  }

  async heal(): Promise<boolean> {
    if (this.#running !== null || !this.#installed || ++this.#looks % LOOK_EVERY !== 0) return false
    const whole = await Promise.all(this.#families.map((family) => this.#isWhole(family)))
    // What is declared meanwhile changes the tables: that was no stranger.
    if (this.#running !== null || !whole.includes(false)) return false
    await this.install()
    return true
  }

  async uninstall(): Promise<void> {
    await this.#running?.catch(() => {}) // As above.
    this.#installed = false
    for (const family of this.#families) {
      const rules = this.#rules(family)
      const scripts = []
      for (const table of TABLES) {
        scripts.push(removal(table, rules[table], await this.#iptables.save(family, table)))
      }
      await this.#iptables.restore(family, scripts.join(''))
    }
    this.#told.clear()
  }

  addBridge(rules: BridgeRules, options: { readonly quiet?: boolean } = {}): void {
    this.#bridges.set(rules.bridge, rules)
    if (options.quiet !== true) this.#change()
  }

  removeBridge(bridge: string): void {
    if (this.#bridges.delete(bridge)) this.#change()
  }

  publish(endpointId: string, rules: PortRules, options: { readonly quiet?: boolean } = {}): void {
    if (rules.ports.length === 0) return
    this.#ports.set(endpointId, rules)
    if (options.quiet !== true) this.#change()
  }

  republish(endpointId: string, rules: PortRules): void {
    if (rules.ports.length === 0) this.#ports.delete(endpointId)
    else this.#ports.set(endpointId, rules)
    this.#change()
  }

  unpublish(endpointId: string): void {
    if (this.#ports.delete(endpointId)) this.#change()
  }

  settled(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  #change(): void {
    if (!this.#installed) return
    this.#dirty = true
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
    // Who waits for it is told; perhaps nobody waits.
    this.#running.catch(() => {})
  }

  async #run(): Promise<void> {
    let failure: unknown = null
    while (this.#dirty) {
      await Promise.resolve()
      this.#dirty = false
      failure = null
      try {
        for (const family of this.#families) await this.#apply(family)
      } catch (error) {
        failure = error
        this.#told.clear()
      }
    }
    if (failure !== null) throw failure
  }

  async #apply(family: 4 | 6): Promise<void> {
    const rules = this.#rules(family)
    const changes = new Map<string, string>()
    let script = ''
    for (const table of TABLES) {
      const key = `${family} ${table}`
      const text = ownChains(rules[table])
      if (this.#told.get(key) === text) continue
      // Told for the first time: the jumps of the kernel's own chains may be there or not.
      const around = this.#told.has(key)
        ? ''
        : missing(table, rules[table], await this.#iptables.save(family, table))
      script += `*${table}\n${declarations(rules[table])}${around}${text}COMMIT\n`
      changes.set(key, text)
    }
    await this.#iptables.restore(family, script)
    for (const [key, text] of changes) this.#told.set(key, text)
  }

  async #isWhole(family: 4 | 6): Promise<boolean> {
    const rules = this.#rules(family)
    for (const table of TABLES) {
      const lines = (await this.#iptables.save(family, table)).split('\n')
      const { chains, jumps } = rules[table]
      const count = (chain: string): number => lines.filter((line) => line.startsWith(`-A ${chain} `)).length
      if (Object.entries(chains).some(([chain, own]) => count(chain) !== own.length)) return false
      if (jumps.some((jump) => !lines.includes(`-A ${jump.from} ${jump.rule}`))) return false
    }
    return true
  }

  #rules(family: 4 | 6): Readonly<Record<Table, TableRules>> {
    const declared = {
      tag: this.#tag,
      directRouting: this.#directRouting,
      bridges: [...this.#bridges.values()],
      ports: [...this.#ports.values()],
    }
    return iptablesRules(declared, family)
  }
}

/** Naming a chain empties it, and makes it when it is not there. */
function declarations({ chains }: TableRules): string {
  return Object.keys(chains).map((chain) => `:${chain} - [0:0]\n`).join('') // prettier-ignore
}

function ownChains({ chains }: TableRules): string {
  const lines = Object.entries(chains).flatMap(([chain, rules]) =>
    rules.map((rule) => `-A ${chain} ${rule}\n`),
  )
  return lines.join('')
}

/** What is not there yet besides our chains: jumps into them, first of all; the administrator's chain, which is never emptied. */
function missing(table: Table, rules: TableRules, saved: string): string {
  const lines = saved.split('\n')
  const user = table === 'filter' && !lines.some((line) => line.startsWith(`:${USER_CHAIN} `))
  const jumps = rules.jumps.filter(({ from, rule }) => !lines.includes(`-A ${from} ${rule}`))
  return `${user ? `:${USER_CHAIN} - [0:0]\n` : ''}${jumps.map(({ from, rule }) => `-I ${from} 1 ${rule}\n`).join('')}`
}

/** Takes away what is there of ours; the administrator's chain too when it is empty and nobody else uses it. */
function removal(table: Table, rules: TableRules, saved: string): string {
  const lines = saved.split('\n')
  const jumps = rules.jumps.filter(({ from, rule }) => lines.includes(`-A ${from} ${rule}`))
  const chains = Object.keys(rules.chains).filter((chain) =>
    lines.some((line) => line.startsWith(`:${chain} `)),
  )
  if (jumps.length === 0 && chains.length === 0) return ''
  const ours = (line: string): boolean => chains.some((chain) => line.startsWith(`-A ${chain} `))
  const used = lines.some(
    (line) => line.startsWith(`-A ${USER_CHAIN} `) || (line.endsWith(` -j ${USER_CHAIN}`) && !ours(line)),
  )
  const user = lines.some((line) => line.startsWith(`:${USER_CHAIN} `)) && !used ? [USER_CHAIN] : []
  return [
    `*${table}`,
    ...jumps.map(({ from, rule }) => `-D ${from} ${rule}`),
    ...chains.map((chain) => `-F ${chain}`),
    ...[...chains, ...user].map((chain) => `-X ${chain}`),
    'COMMIT\n',
  ].join('\n')
}
