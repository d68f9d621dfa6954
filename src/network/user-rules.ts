import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Logger } from '#base/logger.ts'
import { errnoOf, messageOf } from '#errors/errors.ts'
import { listChain } from '#kernel/nftables.ts'
import type { NftTable } from '#kernel/nftables.ts'

/**
 * The administrator's rules in the chain `user`, kept for when the table is taken away (`nft flush ruleset`, a reload of the host's own firewall, the end
 * of the daemon): they live as long as the machine runs, as those in Docker's DOCKER-USER do. Kept as the text that nft(8) prints. Rules that name sets
 * which the administrator made in our table cannot be kept.
 */
export class UserRules {
  readonly #file: string
  readonly #log: Logger
  #handles: string | null = null

  /** @param parts.file where they are kept; its directory exists when rules are first remembered */
  constructor(parts: { readonly file: string; readonly log: Logger }) {
    this.#file = parts.file
    this.#log = parts.log
  }

  /** A script that brings the rules back, '' when there are none. */
  text(): string {
    try {
      return readFileSync(this.#file, 'utf8')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return ''
      throw error
    }
  }

  /** Keeps the rules if they have changed since the last look; that look is one netlink message. */
  async follow(table: NftTable): Promise<void> {
    const rules = table.rules('user')
    const handles = rules.map(({ handle }) => handle).join()
    if (handles === this.#handles) return
    if (rules.length === 0) rmSync(this.#file, { force: true })
    else await this.remember(table.name)
    this.#handles = handles
  }

  /** Keeps the rules as they are now. */
  async remember(table: string): Promise<void> {
    const text = await listChain(table, 'user')
    if (text === null) return
    writeFileSync(`${this.#file}.new`, text, { mode: 0o600 })
    renameSync(`${this.#file}.new`, this.#file)
  }

  /** They could not be brought back: kept aside, and said. */
  giveUp(reason: unknown): void {
    const aside = `${this.#file}.refused`
    renameSync(this.#file, aside)
    this.#log.error('the rules of the chain `user` could not be brought back', {
      file: aside,
      reason: messageOf(reason),
    })
  }
}
