import { FlagValueError } from '../core/flag.ts'
import { fieldsOf } from './secrets.ts'

/** Attributes of attestations by type, of `--attest`, `--provenance` and `--sbom`. @throws FlagValueError */
export function parseAttestations(
  attest: readonly string[],
  shorthands: { readonly provenance: string; readonly sbom: string },
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const value of attest) {
    const fields = new Map(fieldsOf(value))
    const type = fields.get('type')
    if (type === undefined) throw new FlagValueError('attestation type not specified')
    fields.delete('type')
    found[type] = [...fields].map(([name, text]) => `${name}=${text}`).join(',')
  }
  for (const type of ['provenance', 'sbom'] as const) {
    const value = shorthands[type]
    if (value === '') continue
    if (value === 'true' || value === '1') found[type] = ''
    else if (value === 'false' || value === '0') found[type] = 'disabled=true'
    else found[type] = value
  }
  return found
}
