import type { Digest } from '#base/digest.ts'
import { digestOf } from '#base/digest.ts'
import type { Database } from '#store/database.ts'
import { isIndexType, type OciImageConfig } from '#spec/oci/image.ts'
import { parseImageConfig } from '#spec/oci/parse.ts'
import {
  canonicalName,
  canonicalString,
  familiarString,
  parseReference,
  type Reference,
} from '#spec/reference.ts'
import type { ImageRecord } from './image-service.ts'

/** A manifest or an index, byte for byte as it came. */
export interface StoredManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly content: Buffer
}

/** What is recorded of a new image; its layers are stored. */
export interface ImageEntry {
  readonly configBytes: Uint8Array
  readonly parent: Digest | null
  /** Of each layer, in the order of the configuration. */
  readonly layerSizes: readonly number[]
  readonly manifests: readonly StoredManifest[]
}

/** A name that was given to an image, and which image had it before. */
export interface Naming {
  readonly reference: Reference
  readonly before: Digest | null
}

/** Records are kept in memory: every container's start asks for one. */
const MAX_CACHED = 1000

/**
 * The image records in the database. Every method is one transaction and waits for nothing; what must survive the
 * loss of power is made durable by the caller.
 */
export class ImageStore {
  readonly #database: Database
  readonly #cache = new Map<Digest, ImageRecord>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Runs several steps as one transaction (see `Database.transaction`). */
  atomically<T>(work: () => T): T {
    try {
      return this.#database.transaction(work)
    } catch (error) {
      // What was read inside is not true any more.
      this.#cache.clear()
      throw error
    }
  }

  get(id: Digest): ImageRecord | null {
    const cached = this.#cache.get(id)
    if (cached !== undefined) return cached
    const row = this.#database
      .prepare('SELECT config, parent, last_tag_time, size_bytes FROM images WHERE id = ?')
      .get(id)
    if (row === undefined) return null
    const names = this.references(id)
    const config = parseImageConfig(row['config'] as Uint8Array)
    const record: ImageRecord = {
      id,
      config,
      layers: config.rootfs.diff_ids,
      repoTags: names.filter((name) => name.tag !== null).map(familiarString),
      repoDigests: names.filter((name) => name.digest !== null).map(familiarString),
      sizeBytes: row['size_bytes'] as number,
      created: config.created ?? null,
      platform: platformOf(config),
      parent: row['parent'] as Digest | null,
      lastTagTime: row['last_tag_time'] as string | null,
    }
    if (this.#cache.size >= MAX_CACHED) this.#cache.clear()
    this.#cache.set(id, record)
    return record
  }

  /** The exact bytes of an image's configuration. */
  configBytes(id: Digest): Buffer | null {
    const row = this.#database.prepare('SELECT config FROM images WHERE id = ?').get(id)
    return row === undefined ? null : Buffer.from(row['config'] as Uint8Array)
  }

  ids(): Digest[] {
    return this.#database
      .prepare('SELECT id FROM images')
      .all()
      .map((row) => row['id'] as Digest)
  }

  count(): number {
    return Number(this.#database.prepare('SELECT count(*) AS n FROM images').get()?.['n'])
  }

  /** The ids that begin with these hexadecimal digits: at most two, which is enough to know that it is ambiguous. */
  idsByPrefix(hex: string): Digest[] {
    const rows = this.#database.prepare('SELECT id FROM images WHERE id >= ? AND id < ? LIMIT 2')
    return rows.all(`sha256:${hex}`, `sha256:${hex}g`).map((row) => row['id'] as Digest)
  }

  /** The image a full name stands for. */
  named(reference: Reference): Digest | null {
    const row = this.#database.prepare('SELECT image FROM image_names WHERE name = ?').get(nameOf(reference))
    return (row?.['image'] as Digest | undefined) ?? null
  }

  /** An image that is known by this manifest digest, in any repository. */
  byManifest(digest: Digest): Digest | null {
    const row = this.#database
      .prepare('SELECT image FROM image_manifests WHERE digest = ? LIMIT 1')
      .get(digest)
    return (row?.['image'] as Digest | undefined) ?? null
  }

  /** The names of an image, in the order that Docker lists them. */
  references(id: Digest): Reference[] {
    const rows = this.#database.prepare('SELECT name FROM image_names WHERE image = ? ORDER BY name').all(id)
    return rows.map((row) => parseReference(row['name'] as string))
  }

  /** The tagged names of a repository with their images. */
  repository(reference: Reference): { readonly reference: Reference; readonly image: Digest }[] {
    const rows = this.#database
      .prepare('SELECT name, image FROM image_names WHERE repository = ? AND tag IS NOT NULL ORDER BY name')
      .all(canonicalName(reference))
    return rows.map((row) => ({
      reference: parseReference(row['name'] as string),
      image: row['image'] as Digest,
    }))
  }

  children(id: Digest): Digest[] {
    return this.#database
      .prepare('SELECT id FROM images WHERE parent = ?')
      .all(id)
      .map((row) => row['id'] as Digest)
  }

  /** Records an image, or adds to what is recorded of it. Tells whether it is new. */
  put(entry: ImageEntry): { readonly id: Digest; readonly isNew: boolean } {
    const id = digestOf(entry.configBytes)
    const config = parseImageConfig(entry.configBytes)
    const isNew = this.#database.transaction(() => {
      const sizeBytes = entry.layerSizes.reduce((sum, size) => sum + size, 0)
      const added = this.#database
        .prepare(
          'INSERT INTO images (id, config, parent, size_bytes) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
        )
        .run(id, entry.configBytes, entry.parent, sizeBytes)
      const layer = this.#database.prepare('INSERT OR IGNORE INTO image_layers VALUES (?, ?, ?, ?)')
      for (const [position, diffId] of config.rootfs.diff_ids.entries()) {
        layer.run(id, position, diffId, entry.layerSizes[position] ?? 0)
      }
      for (const manifest of entry.manifests) this.putManifest(id, manifest)
      return Number(added.changes) > 0
    })
    this.#cache.delete(id)
    return { id, isNew }
  }

  putManifest(image: Digest, manifest: StoredManifest): void {
    this.#database
      .prepare(
        'INSERT OR IGNORE INTO image_manifests (digest, image, media_type, content) VALUES (?, ?, ?, ?)',
      )
      .run(manifest.digest, image, manifest.mediaType, manifest.content)
  }

  /** The manifests an image came with, indexes last. */
  manifests(image: Digest): StoredManifest[] {
    const rows = this.#database
      .prepare('SELECT digest, media_type, content FROM image_manifests WHERE image = ? ORDER BY rowid')
      .all(image)
    return rows
      .map((row) => ({
        digest: row['digest'] as Digest,
        mediaType: row['media_type'] as string,
        content: Buffer.from(row['content'] as Uint8Array),
      }))
      .toSorted((a, b) => Number(isIndexType(a.mediaType)) - Number(isIndexType(b.mediaType)))
  }

  /** Points a name (with a tag or a digest) at an image, which exists. */
  name(reference: Reference, image: Digest, options: { readonly taggedAt: string | null }): Naming {
    const before = this.named(reference)
    this.#database.transaction(() => {
      this.#database
        .prepare(
          `INSERT INTO image_names (name, repository, tag, digest, image) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (name) DO UPDATE SET image = excluded.image`,
        )
        .run(
          nameOf(reference),
          canonicalName(reference),
          reference.digest === null ? reference.tag : null,
          reference.digest,
          image,
        )
      if (options.taggedAt !== null) {
        this.#database
          .prepare('UPDATE images SET last_tag_time = ? WHERE id = ?')
          .run(options.taggedAt, image)
      }
    })
    this.#cache.delete(image)
    if (before !== null) this.#cache.delete(before)
    return { reference, before }
  }

  unname(reference: Reference): void {
    const image = this.named(reference)
    this.#database.prepare('DELETE FROM image_names WHERE name = ?').run(nameOf(reference))
    if (image !== null) this.#cache.delete(image)
  }

  /** Forgets an image with its names; the layers that no other image has, with their sizes, are what can go. */
  delete(id: Digest): { readonly diffId: Digest; readonly sizeBytes: number }[] {
    this.#cache.delete(id)
    return this.#database.transaction(() => {
      const layers = this.#database
        .prepare(
          `SELECT diff_id, max(size_bytes) AS size_bytes FROM image_layers AS mine WHERE image = ? AND NOT EXISTS (
             SELECT 1 FROM image_layers AS other WHERE other.diff_id = mine.diff_id AND other.image <> mine.image
           ) GROUP BY diff_id ORDER BY max(position) DESC`,
        )
        .all(id)
      this.#database.prepare('DELETE FROM images WHERE id = ?').run(id)
      return layers.map((row) => ({
        diffId: row['diff_id'] as Digest,
        sizeBytes: row['size_bytes'] as number,
      }))
    })
  }

  /** The sizes of an image's layers, lowest first. Bytes. */
  layerSizes(id: Digest): number[] {
    return this.#database
      .prepare('SELECT size_bytes FROM image_layers WHERE image = ? ORDER BY position')
      .all(id)
      .map((row) => row['size_bytes'] as number)
  }

  /** How many images name each layer, and its size. */
  layerUse(): Map<Digest, { readonly images: number; readonly sizeBytes: number }> {
    const rows = this.#database
      .prepare(
        'SELECT diff_id, count(DISTINCT image) AS n, max(size_bytes) AS size FROM image_layers GROUP BY diff_id',
      )
      .all()
    return new Map(
      rows.map((row) => [
        row['diff_id'] as Digest,
        { images: row['n'] as number, sizeBytes: row['size'] as number },
      ]),
    )
  }
}

/** The platform an image says it is for; images of old tools say nothing and mean linux. */
function platformOf(config: OciImageConfig): ImageRecord['platform'] {
  const variant = config.variant === undefined || config.variant === '' ? {} : { variant: config.variant }
  return { os: config.os === '' ? 'linux' : config.os, architecture: config.architecture, ...variant }
}

/** The key of a name: a digest says more than the tag beside it. */
function nameOf(reference: Reference): string {
  return canonicalString(reference.digest === null ? reference : { ...reference, tag: null })
}
