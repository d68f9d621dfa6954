import type { Digest } from '#base/digest.ts'
import type { OciDescriptor } from '#spec/oci/image.ts'
import type { Database } from '#store/database.ts'

/** Which compressed blobs hold which layers, and which repositories are known to have them. */
export class LayerBlobs {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Records that the blob, inflated, is the layer. */
  put(blob: OciDescriptor, diffId: Digest): void {
    this.#database
      .prepare(
        'INSERT OR IGNORE INTO layer_blobs (digest, diff_id, media_type, size_bytes) VALUES (?, ?, ?, ?)',
      )
      .run(blob.digest, diffId, blob.mediaType, blob.size)
  }

  /** The layer a blob holds, or null when it was never seen. */
  diffIdOf(blob: Digest): Digest | null {
    const row = this.#database.prepare('SELECT diff_id FROM layer_blobs WHERE digest = ?').get(blob)
    return (row?.['diff_id'] as Digest | undefined) ?? null
  }

  /** The blobs that hold a layer. */
  of(diffId: Digest): OciDescriptor[] {
    return this.#database
      .prepare('SELECT digest, media_type, size_bytes FROM layer_blobs WHERE diff_id = ? ORDER BY rowid')
      .all(diffId)
      .map((row) => ({
        digest: row['digest'] as Digest,
        mediaType: row['media_type'] as string,
        size: row['size_bytes'] as number,
      }))
  }

  /** Remembers that a repository (`localhost:5000/a/b`) has the blob: a push to its neighbour can mount it. */
  addSource(blob: Digest, repository: string): void {
    this.#database
      .prepare('INSERT OR IGNORE INTO blob_sources SELECT digest, ? FROM layer_blobs WHERE digest = ?')
      .run(repository, blob)
  }

  /** Repositories of the registry that have the blob, at most ten. */
  sources(blob: Digest, domain: string): string[] {
    return this.#database
      .prepare(
        `SELECT repository FROM blob_sources WHERE digest = ? AND substr(repository, 1, ?) = ? LIMIT 10`,
      )
      .all(blob, domain.length + 1, `${domain}/`)
      .map((row) => row['repository'] as string)
  }

  /** The blobs of layers that images name. */
  needed(): Digest[] {
    return this.#database
      .prepare('SELECT digest FROM layer_blobs WHERE diff_id IN (SELECT diff_id FROM image_layers)')
      .all()
      .map((row) => row['digest'] as Digest)
  }

  /** Forgets the blobs of layers that no image names. */
  forgetUnneeded(): void {
    this.#database
      .prepare('DELETE FROM layer_blobs WHERE diff_id NOT IN (SELECT diff_id FROM image_layers)')
      .run()
  }
}
