const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The environment of a container's main process in Docker's order: PATH, HOSTNAME, TERM for a terminal, links, then the
 * container's own, which win. An entry without `=` removes what came before.
 */
export function containerEnvironment(options: {
  readonly own: readonly string[]
  readonly links: readonly string[]
  readonly hostname: string
  readonly tty: boolean
}): readonly string[] {
  const { own, links, hostname, tty } = options
  const base = [DEFAULT_PATH, `HOSTNAME=${hostname}`, ...(tty ? ['TERM=xterm'] : []), ...links]
  // An empty HOME is none: the runtime then takes the user's, as runc does of its own accord.
  return mergeEnvironment(base, own).filter((entry) => entry !== 'HOME=')
}

/** Later entries replace earlier ones of the same name, in their place; `NAME` alone removes it. */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): readonly string[] {
  const merged = new Map<string, string>()
  for (const entry of base) merged.set(nameOf(entry), entry)
  for (const entry of over) {
    if (entry.includes('=')) merged.set(nameOf(entry), entry)
    else merged.delete(entry)
  }
  return [...merged.values()]
}

function nameOf(entry: string): string {
  return entry.slice(0, Math.max(0, entry.indexOf('=')))
}
