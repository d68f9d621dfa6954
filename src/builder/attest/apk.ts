import { purlPart, type SoftwarePackage } from './packages.ts'

/** Reads apk's database (`/lib/apk/db/installed`): stanzas of lines `X:value`. */
export function readApkInstalled(
  text: string,
  at: { readonly source: string; readonly distribution: string },
): SoftwarePackage[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>()
    for (const line of stanza.split('\n')) {
      const match = /^([A-Za-z]):(.*)$/.exec(line)
      if (match !== null && !fields.has(match[1] as string))
        fields.set(match[1] as string, match[2] as string)
    }
    const name = fields.get('P')
    const version = fields.get('V')
    if (name === undefined || version === undefined) return []
    const architecture = fields.get('A')
    const query = architecture === undefined ? '' : `?arch=${purlPart(architecture)}`
    return [
      {
        name,
        version,
        purl: `pkg:apk/${purlPart(at.distribution)}/${purlPart(name)}@${purlPart(version)}${query}`,
        license: fields.get('L') ?? null,
        supplier: fields.get('m') ?? null,
        source: at.source,
      },
    ]
  })
}
