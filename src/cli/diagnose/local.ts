import { spawnSync } from 'node:child_process'

/** Runs a program of this machine; null where it is not there or says no. */
export function said(file: string, ...args: readonly string[]): string | null {
  const { status, stdout } = spawnSync(file, args, { encoding: 'utf8' })
  return status === 0 ? stdout : null
}

/** As `said`, for what ip(8) prints as JSON; an empty list where it knows nothing of the kind. */
export function ipJson<T>(args: readonly string[], options: { readonly netns?: string } = {}): readonly T[] {
  const { netns } = options
  const text =
    netns === undefined ? said('ip', '-j', ...args) : said('nsenter', `--net=${netns}`, 'ip', '-j', ...args)
  return text === null || text.trim() === '' ? [] : (JSON.parse(text) as T[])
}

/** Tells whether the firewall of a daemon on this machine knows a bridge. */
export function firewallKnows(bridge: string): boolean {
  const tables = (said('nft', 'list', 'tables', 'inet') ?? '').matchAll(/table inet (wharf_\S+)/g)
  for (const [, table = ''] of tables) {
    if ((said('nft', 'list', 'set', 'inet', table, 'bridges') ?? '').includes(`"${bridge}"`)) return true
  }
  return ['iptables', 'iptables-nft', 'iptables-legacy'].some((program) =>
    new RegExp(`^-A WHARF-\\S+ -o ${bridge} `, 'm').test(said(program, '-S') ?? ''),
  )
}
