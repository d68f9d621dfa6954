import { existsSync } from 'node:fs'
import { InvalidArgumentError, UnavailableError } from '#errors/errors.ts'
import { runProgram } from './run-program.ts'

/** Which of Debian's iptables: what the machine's alternative says, or one by name. */
export type IptablesVariant = 'iptables' | 'iptables-nft' | 'iptables-legacy'

const DIRECTORIES = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** iptables(8) and ip6tables(8) of one variant, by their programs for whole tables. */
export class Iptables {
  readonly #variant: IptablesVariant

  /** @throws InvalidArgumentError when a program is not there. */
  constructor(variant: IptablesVariant) {
    this.#variant = variant
    for (const family of [4, 6] as const) this.#programs(family)
  }

  /** Changes tables, each as one transaction; chains that the text does not name stay. @throws UnavailableError with the program's own words. */
  async restore(family: 4 | 6, script: string): Promise<void> {
    if (script === '') return
    await run([this.#programs(family).restore, '--noflush', '--wait', '20'], script)
  }

  /** All rules of a table as iptables-save(8) prints them. @throws UnavailableError. */
  save(family: 4 | 6, table: string): Promise<string> {
    return run([this.#programs(family).save, '-t', table], '')
  }

  #programs(family: 4 | 6): { readonly restore: string; readonly save: string } {
    const name = family === 4 ? this.#variant : this.#variant.replace('ip', 'ip6')
    const find = (program: string): string => {
      const path = DIRECTORIES.map((directory) => `${directory}/${program}`).find((file) => existsSync(file))
      if (path !== undefined) return path
      throw new InvalidArgumentError(
        `firewall-backend ${this.#variant}: ${program} was not found: install the package iptables, or use nftables`,
      )
    }
    return { restore: find(`${name}-restore`), save: find(`${name}-save`) }
  }
}

async function run(argv: readonly [string, ...string[]], input: string): Promise<string> {
  const ended = await runProgram(argv, { env: {}, input, timeoutMs: 120_000 }).catch((cause: unknown) => {
    throw new UnavailableError(`cannot run ${argv[0]}`, { cause })
  })
  if (ended.exitCode !== 0) throw new UnavailableError(`${argv[0]} refused the rules: ${ended.stderr.trim()}`)
  return ended.stdout
}
