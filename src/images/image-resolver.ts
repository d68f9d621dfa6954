import { isDigest, type Digest } from '#base/digest.ts'
import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { PlatformSpec } from '#spec/docker/options.ts'
import { matchesPlatform, platformText } from '#spec/oci/platform.ts'
import { familiarString, parseReference, withDefaultTag } from '#spec/reference.ts'
import type { ImageRecord } from './image-service.ts'
import type { ImageStore } from './image-store.ts'

const ID_PREFIX = /^(?:sha256:)?([0-9a-f]{1,64})$/

/** Which image a user's words mean, in Docker's order: a full id, a name, a unique prefix of an id. */
export function resolveImage(store: ImageStore, name: string): ImageRecord {
  const id = resolveId(store, name)
  const record = id === null ? null : store.get(id)
  if (record === null) throw new NotFoundError(`No such image: ${shownName(name)}`)
  return record
}

/** As `resolveImage`, and the image must run on the platform. @throws NotFoundError in Docker's words. */
export function resolveForPlatform(
  store: ImageStore,
  name: string,
  platform: PlatformSpec | null,
): ImageRecord {
  const record = resolveImage(store, name)
  if (platform !== null && !matchesPlatform(platform, record.platform)) {
    throw new NotFoundError(
      `image with reference ${name} was found but its platform (${platformText(record.platform)}) does not match the specified platform (${platformText(platform)})`,
    )
  }
  return record
}

/** Tells whether the words are a prefix of the id rather than a name (which matters to `rmi`). */
export function isIdPrefix(id: Digest, name: string): boolean {
  return id === name || id.startsWith(`sha256:${name}`) || (name.startsWith('sha256:') && id.startsWith(name))
}

function resolveId(store: ImageStore, name: string): Digest | null {
  if (name === '') throw new InvalidArgumentError('invalid reference format')
  const full = /^[0-9a-f]{64}$/.test(name) ? `sha256:${name}` : name
  if (isDigest(full)) return store.get(full) === null ? null : full
  const prefix = ID_PREFIX.exec(name)?.[1]
  // `sha256:abc` is also a name with a tag: the grammar wins, as in Docker, when such a name exists.
  const named = store.named(withDefaultTag(parseReference(name)))
  if (named !== null) return named
  if (prefix === undefined) return null
  const ids = store.idsByPrefix(prefix)
  return ids.length === 1 ? (ids[0] as Digest) : null
}

function shownName(name: string): string {
  if (isDigest(name) || /^[0-9a-f]{64}$/.test(name))
    return name.startsWith('sha256:') ? name : `sha256:${name}`
  return familiarString(withDefaultTag(parseReference(name)))
}
