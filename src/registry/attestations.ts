import { digestOf, type Digest } from '#base/digest.ts'
import { DataLossError } from '#errors/errors.ts'
import { type OciDescriptor, attestedBy, isManifestType } from '#spec/oci/image.ts'
import { parseManifest } from '#spec/oci/parse.ts'
import { readLimited } from './read-limited.ts'
import type { FetchedManifest, RegistrySession } from './registry-session.ts'

/** Statements about an image are kept up to this, all together: a bill of materials has a few megabytes. */
const MAX_BYTES = 32 * 1024 * 1024
const MAX_DOCUMENTS = 64

/**
 * The attestations of an image that its index names: their manifests, and the documents those name. What cannot be
 * had is left out: an image is whole without it.
 */
export async function fetchAttestations(
  entries: readonly OciDescriptor[],
  options: {
    readonly image: Digest
    readonly session: RegistrySession
    readonly path: string
    readonly signal: AbortSignal
  },
): Promise<FetchedManifest[]> {
  const { image, session, path, signal } = options
  const found: FetchedManifest[] = []
  let left = MAX_BYTES
  for (const entry of entries.filter((candidate) => attestedBy(candidate) === image)) {
    try {
      const manifest = await session.manifest(path, { reference: entry.digest, signal })
      if (!isManifestType(manifest.mediaType)) continue
      const { config, layers } = parseManifest(manifest.content)
      const wanted = [config, ...layers]
      const bytes = wanted.reduce((sum, { size }) => sum + size, 0)
      if (wanted.length > MAX_DOCUMENTS || bytes > left) continue
      left -= bytes
      const documents: FetchedManifest[] = []
      for (const descriptor of wanted) {
        const { body } = await session.blob(path, { digest: descriptor.digest, offset: 0, signal })
        const content = await readLimited(body, descriptor.size)
        if (digestOf(content) !== descriptor.digest)
          throw new DataLossError(`an attestation is not what its digest ${descriptor.digest} says`)
        documents.push({ digest: descriptor.digest, mediaType: descriptor.mediaType, content })
      }
      found.push(manifest, ...documents)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Error)) throw error
    }
  }
  return found
}
