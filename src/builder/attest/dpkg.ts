import { purlPart, type SoftwarePackage } from './packages.ts'

/**
 * Reads dpkg's database (`/var/lib/dpkg/status`, or a file of `status.d`): stanzas of fields as in deb822(5). What is
 * not installed is left out.
 */
export function readDpkgStatus(
  text: string,
  at: { readonly source: string; readonly distribution: string },
): SoftwarePackage[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = fieldsOf(stanza)
    const name = fields.get('package')
    const version = fields.get('version')
    const status = fields.get('status')
    if (name === undefined || version === undefined) return []
    if (status !== undefined && !/\binstalled$/.test(status)) return []
    const architecture = fields.get('architecture')
    const query = architecture === undefined ? '' : `?arch=${purlPart(architecture)}`
    return [
      {
        name,
        version,
        purl: `pkg:deb/${purlPart(at.distribution)}/${purlPart(name)}@${purlPart(version)}${query}`,
        license: null,
        supplier: fields.get('maintainer') ?? null,
        source: at.source,
      },
    ]
  })
}

/** The fields of a stanza, names in lower case; of a field of several lines the first. */
function fieldsOf(stanza: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (const line of stanza.split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 1 || /^\s/.test(line)) continue
    const name = line.slice(0, colon).toLowerCase()
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim())
  }
  return fields
}
