import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Logger } from '#base/logger.ts'
import { errnoOf, messageOf } from '#errors/errors.ts'
import { Iptables } from '#kernel/iptables.ts'
import type { IptablesVariant } from '#kernel/iptables.ts'
import type { Firewall } from './firewall.ts'
import { IptablesFirewall } from './iptables/iptables-firewall.ts'
import { NftFirewall } from './nft-firewall.ts'
import { NoFirewall } from './no-firewall.ts'
import { UserRules } from './user-rules.ts'

/** `firewall-backend` of daemon.json; `none` without `iptables` and `ip6tables`. */
export type FirewallBackend = 'nftables' | IptablesVariant | 'none'

/** Whose the firewall is, and of which kind. */
export interface FirewallOptions {
  readonly backend: FirewallBackend
  /** Tells one daemon's rules from another's: letters, digits and underscores. */
  readonly tag: string
  readonly execRoot: string
  /** Those that have rules: `iptables`, `ip6tables`. */
  readonly families: readonly (4 | 6)[]
  /** `allow-direct-routing`. */
  readonly directRouting: boolean
  readonly log: Logger
}

/** Opens the firewall of a backend; nothing is installed yet. @throws InvalidArgumentError when its programs are not there. */
export function openFirewall(options: FirewallOptions): Firewall {
  const { backend, tag, families, directRouting, execRoot, log } = options
  if (backend === 'none') return new NoFirewall()
  if (backend !== 'nftables')
    return new IptablesFirewall(new Iptables(backend), { tag, families, directRouting })
  const userRules = new UserRules({ file: join(execRoot, 'firewall-user-rules.nft'), log })
  return new NftFirewall({ tag, families, directRouting, userRules })
}

/**
 * Takes the rules away of another backend, or of a family, that a daemon had before, and notes what is in use now. Call it when the new ones are
 * installed.
 */
export async function replaceOtherBackend(options: FirewallOptions): Promise<void> {
  const file = join(options.execRoot, 'firewall-backend')
  const now = [options.backend, ...options.families].join(' ')
  const before = readOrNull(file)
  if (before === now) return
  if (before !== null) await uninstallOther(before, options)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, now)
}

async function uninstallOther(before: string, options: FirewallOptions): Promise<void> {
  const [backend = '', ...numbers] = before.split(' ')
  const families = ([4, 6] as const).filter(
    (family) => numbers.length === 0 || numbers.includes(String(family)),
  )
  const isSame = backend === options.backend
  const gone = isSame ? families.filter((family) => !options.families.includes(family)) : families
  // The one table of nftables has been told already.
  if (gone.length === 0 || (isSame && backend === 'nftables')) return
  try {
    using other = openFirewall({ ...options, backend: backend as FirewallBackend, families: gone })
    await other.uninstall()
  } catch (error) {
    // Its programs may be gone from the machine since. The new rules stand all the same.
    options.log.warn('cannot take away the rules of another firewall backend', {
      backend,
      reason: messageOf(error),
    })
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null
    throw error
  }
}
