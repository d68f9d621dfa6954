import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Logger } from '#base/logger.ts'
import { errnoOf, messageOf } from '#errors/errors.ts'
import { Iptables } from '#kernel/iptables.ts'
import type { IptablesVariant } from '#kernel/iptables.ts'
import type { Firewall } from './firewall.ts'
import { IptablesFirewall } from './iptables/iptables-firewall.ts'
import { NftFirewall } from './nft-firewall.ts'
import { UserRules } from './user-rules.ts'

/** `firewall-backend` of daemon.json. */
export type FirewallBackend = 'nftables' | IptablesVariant

/** Whose the firewall is, and of which kind. */
export interface FirewallOptions {
  readonly backend: FirewallBackend
  /** Tells one daemon's rules from another's: letters, digits and underscores. */
  readonly tag: string
  readonly execRoot: string
  readonly ipv6: boolean
  readonly log: Logger
}

/** Opens the firewall of a backend; nothing is installed yet. @throws InvalidArgumentError when its programs are not there. */
export function openFirewall(options: FirewallOptions): Firewall {
  const { backend, tag, ipv6, execRoot, log } = options
  if (backend !== 'nftables') return new IptablesFirewall(new Iptables(backend), { tag, ipv6 })
  const userRules = new UserRules({ file: join(execRoot, 'firewall-user-rules.nft'), log })
  return new NftFirewall({ tag, ipv6, userRules })
}

/** Takes the rules of another backend away that a daemon used before, and notes which one is in use now. Call it when the new one is installed. */
export async function replaceOtherBackend(options: FirewallOptions): Promise<void> {
  const file = join(options.execRoot, 'firewall-backend')
  const before = readOrNull(file)
  if (before === options.backend) return
  if (before !== null) {
    try {
      using other = openFirewall({ ...options, backend: before as FirewallBackend })
      await other.uninstall()
    } catch (error) {
      // Its programs may be gone from the machine since. The new rules stand all the same.
      options.log.warn('cannot take away the rules of another firewall backend', {
        backend: before,
        reason: messageOf(error),
      })
    }
  }
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, options.backend)
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}
