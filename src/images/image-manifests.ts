import type * as I from '#spec/docker/image.ts'
import {
  attestedBy,
  isIndexType,
  isManifestType,
  OCI_MANIFEST,
  type OciDescriptor,
  type OciManifest,
} from '#spec/oci/image.ts'
import { parseIndex, parseManifest } from '#spec/oci/parse.ts'
import { attestationBytes } from './image-attestations.ts'
import type { ImageRecord, ImageUser } from './image-service.ts'
import { canonicalName } from '#spec/reference.ts'
import type { ImageStore, StoredManifest } from './image-store.ts'

/** The manifest or index that an image's name stands for at its registry; null for an image that has none (yet). */
export function targetDescriptor(store: ImageStore, image: ImageRecord): I.OCIDescriptor | null {
  const target = store.manifests(image.id).at(-1)
  return target === undefined ? null : descriptorOf(target)
}

/** What an image consists of beside this platform's manifest: the entries of its index, here or not. */
export function manifestSummaries(
  store: ImageStore,
  options: {
    readonly image: ImageRecord
    readonly users: readonly ImageUser[]
    /** Tell where each came from. */
    readonly withIdentity?: boolean
  },
): I.ImageManifestSummary[] {
  const { image } = options
  const summary = { ...options, identity: options.withIdentity === true ? identityOf(store, image) : null }
  const manifests = store.manifests(image.id)
  const index = manifests.find((manifest) => isIndexType(manifest.mediaType))
  const own = manifests.find((manifest) => isManifestType(manifest.mediaType))
  const entries: readonly OciDescriptor[] = index !== undefined ? parseIndex(index.content).manifests : []
  if (!entries.some((entry) => entry.digest === own?.digest)) return [summaryOfOwn(own, summary)]
  return entries.map((entry) => {
    if (entry.digest === own?.digest) return { ...summaryOfOwn(own, summary), Descriptor: entry }
    return summaryOfOther(store, { entry, manifests })
  })
}

/** Where an image is known to come from: the repositories that it was pulled from or pushed to; null for none. */
export function identityOf(store: ImageStore, image: ImageRecord): I.Identity | null {
  const repositories = store
    .references(image.id)
    .filter((name) => name.digest !== null)
    .map(canonicalName)
  if (repositories.length === 0) return null
  return { Pull: [...new Set(repositories)].map((Repository) => ({ Repository })) }
}

function summaryOfOwn(
  manifest: StoredManifest | undefined,
  options: {
    readonly image: ImageRecord
    readonly users: readonly ImageUser[]
    readonly identity: I.Identity | null
  },
): I.ImageManifestSummary {
  const { image, users, identity } = options
  const parsed = manifest === undefined ? null : parseManifest(manifest.content)
  const contentBytes =
    parsed === null || manifest === undefined ? 0 : contentSize(parsed) + manifest.content.byteLength
  return {
    ID: manifest?.digest ?? image.id,
    Descriptor:
      manifest === undefined
        ? { mediaType: OCI_MANIFEST, digest: image.id, size: 0 }
        : descriptorOf(manifest),
    Available: true,
    Size: { Total: contentBytes + image.sizeBytes, Content: contentBytes },
    Kind: 'image',
    ImageData: {
      Platform: image.platform,
      ...(identity === null ? {} : { Identity: identity }),
      Containers: users.map((user) => user.containerId),
      Size: { Unpacked: image.sizeBytes },
    },
  }
}

function summaryOfOther(
  store: ImageStore,
  { entry, manifests }: { entry: OciDescriptor; manifests: readonly StoredManifest[] },
): I.ImageManifestSummary {
  const attested = attestedBy(entry)
  if (attested !== null) {
    const bytes = attestationBytes(entry.digest, manifests)
    return {
      ID: entry.digest,
      Descriptor: entry,
      Available: bytes !== null,
      Size: { Total: bytes ?? 0, Content: bytes ?? 0 },
      Kind: 'attestation',
      AttestationData: { For: attested },
    }
  }
  const stored = store.byManifest(entry.digest)
  const image = stored === null ? null : store.get(stored)
  return {
    ID: entry.digest,
    Descriptor: entry,
    Available: image !== null,
    Size: { Total: image?.sizeBytes ?? 0, Content: 0 },
    Kind: entry.platform === undefined ? 'unknown' : 'image',
    ...(entry.platform !== undefined
      ? { ImageData: { Platform: entry.platform, Containers: [], Size: { Unpacked: image?.sizeBytes ?? 0 } } }
      : {}),
  }
}

function contentSize(manifest: OciManifest): number {
  return manifest.layers.reduce((sum, layer) => sum + layer.size, manifest.config.size)
}

function descriptorOf(manifest: StoredManifest): I.OCIDescriptor {
  return { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.content.byteLength }
}
