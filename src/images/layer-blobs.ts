import type { Digest } from '#base/digest.ts'
import type { OciDescriptor } from '#spec/oci/image.ts'
import type { Database } from '#store/database.ts'

/** What a broken pull brought is kept for so long. */
const MAX_ARRIVED_MS = 24 * 60 * 60 * 1000

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

  /** The blobs of layers that images name, or that arrived lately. */
  needed(): Digest[] {
    return this.#database
      .prepare(
        `SELECT digest FROM layer_blobs
         WHERE diff_id IN (SELECT diff_id FROM image_layers UNION SELECT diff_id FROM arrived_layers)`,
      )
      .all()
      .map((row) => row['digest'] as Digest)
  }

  /** Forgets the blobs of layers that nobody needs, and layers that arrived too long ago without an image. */
  forgetUnneeded(): void {
    this.#database.prepare('DELETE FROM arrived_layers WHERE arrived_at < ?').run(Date.now() - MAX_ARRIVED_MS)
    this.#database
      .prepare(
        `DELETE FROM layer_blobs WHERE diff_id NOT IN
         (SELECT diff_id FROM image_layers UNION SELECT diff_id FROM arrived_layers)`,
      )
      .run()
  }

  /** Keeps a layer that was pulled though its image is not complete: a pull that breaks off need not bring it again. */
  arrive(diffId: Digest): void {
    this.#database.prepare('INSERT OR REPLACE INTO arrived_layers VALUES (?, ?)').run(diffId, Date.now())
  }

  /** Layers that arrived and wait for their image. */
  arrived(): Digest[] {
    return this.#database
      .prepare('SELECT diff_id FROM arrived_layers')
      .all()
      .map((row) => row['diff_id'] as Digest)
  }

  /** Their image is complete: it keeps them from now on. */
  settle(diffIds: readonly Digest[]): void {
    const remove = this.#database.prepare('DELETE FROM arrived_layers WHERE diff_id = ?')
    for (const diffId of diffIds) remove.run(diffId)
  }
}
