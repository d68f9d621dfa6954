import { getXattr, listXattrs } from '#kernel/xattrs.ts'

/** The attributes of a file that images keep: its capabilities, and what users set. */
export function keptXattrs(path: string): ReadonlyMap<string, Buffer> {
  const kept = new Map<string, Buffer>()
  for (const name of listXattrs(path).toSorted()) {
    if (name !== 'security.capability' && !name.startsWith('user.')) continue
    const value = getXattr(path, name)
    if (value !== null) kept.set(name, value)
  }
  return kept
}
