import { purlPart, type SoftwarePackage } from './packages.ts'

/** Nested `dependencies` are followed so far: real lock files are a few deep. */
const MAX_DEPTH = 64

/** Reads a `package-lock.json` of any version (docs.npmjs.com, package-lock.json); what is none has no packages. */
export function readNpmLock(text: string, source: string): SoftwarePackage[] {
  const lock = objectOf(parse(text))
  if (lock === null) return []
  const found = new Map<string, SoftwarePackage>()
  const add = (name: string, entry: Record<string, unknown>): void => {
    const { version, license, link } = entry
    if (name === '' || typeof version !== 'string' || link === true) return
    const purl = `pkg:npm/${name.split('/').map(purlPart).join('/')}@${purlPart(version)}`
    const supplier = null
    found.set(purl, {
      name,
      version,
      purl,
      license: typeof license === 'string' ? license : null,
      supplier,
      source,
    })
  }
  const packages = objectOf(lock['packages'])
  if (packages !== null) {
    for (const [path, value] of Object.entries(packages)) {
      const entry = objectOf(value)
      const name = path.split('node_modules/').at(-1) ?? ''
      if (entry !== null && path.includes('node_modules/'))
        add(typeof entry['name'] === 'string' ? entry['name'] : name, entry)
    }
  } else addDependencies(lock, add, 0)
  return [...found.values()]
}

function addDependencies(
  owner: Record<string, unknown>,
  add: (name: string, entry: Record<string, unknown>) => void,
  depth: number,
): void {
  if (depth > MAX_DEPTH) return
  for (const [name, value] of Object.entries(objectOf(owner['dependencies']) ?? {})) {
    const entry = objectOf(value)
    if (entry === null) continue
    add(name, entry)
    addDependencies(entry, add, depth + 1)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function objectOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
