import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import { PluginUnreachableError } from '#plugins/plugin-error.ts'
import type { Database } from '#store/database.ts'

/** Something that another program holds for us until we say otherwise. */
export type ForeignThing = { readonly refusals?: number } & (
  | { readonly kind: 'pool'; readonly driver: string; readonly poolId: string }
  | { readonly kind: 'address'; readonly driver: string; readonly poolId: string; readonly address: string }
  | { readonly kind: 'network'; readonly driver: string; readonly networkId: string }
  | {
      readonly kind: 'endpoint'
      readonly driver: string
      readonly networkId: string
      readonly endpointId: string
    }
  | { readonly kind: 'cni'; readonly call: CniCall }
)

/** A program that was asked so often at so many starts and still says no will not say yes: perhaps it never had the thing. */
const MAX_REFUSALS = 3

/** A call of CNI plugins that DEL must be able to repeat, also when network and configuration are gone. */
export interface CniCall {
  readonly config: string
  readonly path: string
  readonly containerId: string
  readonly netnsPath: string
  readonly ifname: string
  /** Addresses, MAC and ports that the user asked for, for plugins that say that they can. */
  readonly runtimeConfig: Readonly<Record<string, unknown>>
  readonly result: unknown
}

/**
 * Remembers what must be given back, in the database: written before another program is asked for it (or at once after, where only its answer names it), deleted
 * after it was given back. What cannot be given back now, because the program does not run, is tried again at the next start.
 */
export class ForeignLedger {
  readonly #database: Database
  readonly #log: Logger
  readonly #release: (thing: ForeignThing) => Promise<void>

  /** @param parts.release gives a thing back; what is not there any more is no error */
  constructor(parts: {
    readonly database: Database
    readonly log: Logger
    readonly release: (thing: ForeignThing) => Promise<void>
  }) {
    this.#database = parts.database
    this.#log = parts.log
    this.#release = parts.release
  }

  /** Writes down that this is (about to be) held for an owner; returns its number. */
  hold(owner: string, thing: ForeignThing): number {
    const statement = this.#database.prepare('INSERT INTO network_foreign (owner, thing) VALUES (?, ?)')
    return Number(statement.run(owner, JSON.stringify(thing)).lastInsertRowid)
  }

  /** Replaces what a number stands for, when more is known of it. */
  amend(number: number, thing: ForeignThing): void {
    this.#database
      .prepare('UPDATE network_foreign SET thing = ? WHERE number = ?')
      .run(JSON.stringify(thing), number)
  }

  /** Gives back all that is held for an owner, the last first. Never fails: what remains is logged. */
  async giveBack(owner: string, options: { readonly only?: ForeignThing['kind'] } = {}): Promise<void> {
    for (const { number, thing } of this.#of(owner)) {
      if (options.only !== undefined && options.only !== thing.kind) continue
      try {
        await this.#release(thing)
        this.#forget(number)
      } catch (error) {
        const refusals = (thing.refusals ?? 0) + (error instanceof PluginUnreachableError ? 0 : 1)
        const isLast = refusals >= MAX_REFUSALS
        const facts = { owner, kind: thing.kind, reason: messageOf(error) }
        if (isLast)
          this.#log.error('what another program holds is left with it: it refuses to take it back', facts)
        else
          this.#log.warn(
            'cannot give back what another program holds; it is tried again at the next start',
            facts,
          )
        if (isLast) this.#forget(number)
        else this.amend(number, { ...thing, refusals })
      }
    }
  }

  /** As `giveBack` for the things of one kind, but fails with the first that cannot be given back. */
  async giveBackOrFail(owner: string, kind: ForeignThing['kind']): Promise<void> {
    for (const { number, thing } of this.#of(owner)) {
      if (thing.kind !== kind) continue
      await this.#release(thing)
      this.#forget(number)
    }
  }

  /** The CNI call that made an endpoint. */
  cniCall(owner: string): CniCall | null {
    for (const { thing } of this.#of(owner)) if (thing.kind === 'cni') return thing.call
    return null
  }

  /** Owners of what is held. */
  owners(): readonly string[] {
    const rows = this.#database.prepare('SELECT DISTINCT owner FROM network_foreign').all()
    return rows.map((row) => String(row['owner']))
  }

  #forget(number: number): void {
    this.#database.prepare('DELETE FROM network_foreign WHERE number = ?').run(number)
  }

  #of(owner: string): { number: number; thing: ForeignThing }[] {
    return this.#database
      .prepare('SELECT number, thing FROM network_foreign WHERE owner = ? ORDER BY number DESC')
      .all(owner)
      .map((row) => ({
        number: Number(row['number']),
        thing: JSON.parse(String(row['thing'])) as ForeignThing,
      }))
  }
}
