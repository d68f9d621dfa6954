import { createHash } from 'node:crypto'

/** A content address, `sha256:<64 hex>` (OCI image-spec, descriptor.md). Made only by the functions here. */
export type Digest = string & { readonly __brand: 'Digest' }

const PATTERN = /^sha256:[0-9a-f]{64}$/

/** Tells whether the text is a digest that Wharf can verify (sha256, the only algorithm registries use). */
export function isDigest(text: string): text is Digest {
  return PATTERN.test(text)
}

/**
 * Parses a digest.
 * @throws RangeError when the text is not `sha256:<64 hex>`; callers turn it into the error of their area.
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text))
    throw new RangeError(`invalid digest ${JSON.stringify(text)}: expected sha256:<64 hex>`)
  return text
}

/** The digest of bytes already in memory. */
export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}

/** The hexadecimal part of a digest: the name of its file in the content store. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
