import { createHash } from 'node:crypto'
import type { Attestation } from '../export/image-set.ts'
import type { SoftwarePackage } from './packages.ts'

/** A bill of materials as SPDX 2.3 has it (spdx.github.io/spdx-spec/v2.3), in JSON. */
export function spdxAttestation(
  packages: readonly SoftwarePackage[],
  about: { readonly name: string; readonly created: string },
): Attestation {
  const listed = packages.map((found) => ({
    name: found.name,
    SPDXID: `SPDXRef-Package-${createHash('sha256')
      .update(found.purl + found.source)
      .digest('hex')
      .slice(0, 16)}`,
    versionInfo: found.version,
    supplier: found.supplier === null ? 'NOASSERTION' : `Organization: ${found.supplier}`,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    sourceInfo: `found in ${found.source}`,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: declared(found.license),
    copyrightText: 'NOASSERTION',
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: found.purl },
    ],
  }))
  const digest = createHash('sha256').update(JSON.stringify(listed)).digest('hex')
  const predicate = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: about.name,
    documentNamespace: `urn:sha256:${digest}`,
    creationInfo: { created: about.created.replace(/\.\d+Z$/, 'Z'), creators: ['Tool: wharf'] },
    packages: listed,
    relationships: listed.map(({ SPDXID }) => ({
      spdxElementId: 'SPDXRef-DOCUMENT',
      relationshipType: 'DESCRIBES',
      relatedSpdxElement: SPDXID,
    })),
  }
  return { predicateType: 'https://spdx.dev/Document', predicate }
}

/** A licence that is no SPDX expression by its form is not asserted. */
function declared(license: string | null): string {
  return license !== null && /^[\w.+-]+(?: (?:AND|OR|WITH) [\w.+-]+)*$/.test(license)
    ? license
    : 'NOASSERTION'
}
