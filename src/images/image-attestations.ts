import type { Digest } from '#base/digest.ts'
import type * as I from '#spec/docker/image.ts'
import { type OciDescriptor, attestedBy, isIndexType, isManifestType } from '#spec/oci/image.ts'
import { parseIndex, parseManifest } from '#spec/oci/parse.ts'
import type { ImageStore, StoredManifest } from './image-store.ts'

/** The annotation of a statement's layer that says what it is about, and the layer's type (BuildKit, attestation storage). */
const PREDICATE_TYPE = 'in-toto.io/predicate-type'
const STATEMENT = 'application/vnd.in-toto+json'

/** Statements about an image that are here, in the order of its index. @param types only of these predicate types; none: all */
export function attestationsOf(
  store: ImageStore,
  options: { readonly image: Digest; readonly types: readonly string[]; readonly withStatement: boolean },
): I.AttestationStatement[] {
  const stored = store.manifests(options.image)
  const own = stored.find(({ mediaType }) => isManifestType(mediaType))
  const index = stored.findLast(({ mediaType }) => isIndexType(mediaType))
  if (own === undefined || index === undefined) return []
  const statements: I.AttestationStatement[] = []
  for (const entry of parseIndex(index.content).manifests) {
    if (attestedBy(entry) !== own.digest) continue
    for (const layer of documentsOf(entry.digest, stored)?.layers ?? []) {
      const type = String(layer.annotations?.[PREDICATE_TYPE] ?? '')
      if (layer.mediaType !== STATEMENT || (options.types.length > 0 && !options.types.includes(type)))
        continue
      const content = stored.find(({ digest }) => digest === layer.digest)?.content
      if (content === undefined) continue
      statements.push({
        Descriptor: layer,
        PredicateType: type,
        ...(options.withStatement ? { Statement: jsonObject(content) } : {}),
      })
    }
  }
  return statements
}

/** A registry can give anything for a statement. */
function jsonObject(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** The bytes of an attestation's manifest and of the documents that it names; null when it is not here. */
export function attestationBytes(digest: Digest, stored: readonly StoredManifest[]): number | null {
  const manifest = stored.find((candidate) => candidate.digest === digest)
  const named = documentsOf(digest, stored)
  if (manifest === undefined || named === null) return null
  const documents = [named.config, ...named.layers] as readonly OciDescriptor[]
  return documents.reduce((sum, { size }) => sum + size, manifest.content.byteLength)
}

function documentsOf(
  digest: Digest,
  stored: readonly StoredManifest[],
): ReturnType<typeof parseManifest> | null {
  const manifest = stored.find((candidate) => candidate.digest === digest)
  return manifest === undefined ? null : parseManifest(manifest.content)
}
