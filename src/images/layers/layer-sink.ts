import type { Digest } from '#base/digest.ts'
import type { TarEntry } from './tar-entry.ts'

/** Where a layer goes while its tar comes by. After an error, whoever made the directory removes it. */
export interface LayerSink {
  /** The tar as it is, every byte. A promise asks to wait with the next. */
  tar(bytes: Buffer): Promise<void> | null
  entry(entry: TarEntry): void
  /** Content of the last entry. */
  data(bytes: Buffer): void
  /** So many bytes of the last entry are zero. */
  hole(bytes: number): void
  entryEnd(): void
  /** Completes the layer and makes its files durable. */
  finish(): void | Promise<void>
  /** Closes what is open. Idempotent. */
  close(): void
}

/** How layers are kept: as one EROFS image each, or as directories. */
export type LayerFormat = 'erofs' | 'directory'

/** What a layer turned out to be. */
export interface IngestResult {
  readonly diffId: Digest
  readonly sizeBytes: number
  readonly tarBytes: number
}
