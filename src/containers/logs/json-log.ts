import { failpoint } from '#base/failpoint.ts'
import { CursorFile } from './cursor-file.ts'
import { JsonEncoder } from './json-encoder.ts'
import type { RotatedFile } from './rotated-file.ts'
import type { SpoolConsumer } from './spool-consumer.ts'

/** Bytes encoded at a time: some milliseconds of work. */
const SLICE_BYTES = 256 * 1024

/**
 * Writes Docker's json-file from the spool, each line once: after a crash what was written behind the noted cursor is
 * cut off and written again.
 */
export class JsonLog implements SpoolConsumer {
  readonly isPrompt = true
  readonly file: RotatedFile
  readonly #cursor: CursorFile
  readonly #encoder: JsonEncoder
  #doneBytes = 0

  constructor(file: RotatedFile, options: { readonly attributes: Readonly<Record<string, string>> }) {
    this.file = file
    this.#cursor = new CursorFile(`${file.path}.cursor`)
    this.#encoder = new JsonEncoder(options.attributes)
  }

  get doneBytes(): number {
    return this.#doneBytes
  }

  async open(): Promise<void> {
    const { spoolBytes, fileBytes } = await this.#cursor.read()
    this.#doneBytes = spoolBytes
    await this.file.open()
    if (fileBytes >= 0) await this.file.truncate(fileBytes)
    else if (this.file.sizeBytes > 0) await this.#turnOver()
  }

  async take(bytes: Buffer, options: { readonly ends: boolean }): Promise<number> {
    if (this.file.roomBytes <= 0) await this.#turnOver()
    const { consumed, output } = this.#encoder.encode(bytes, {
      limitBytes: Math.min(SLICE_BYTES, this.file.roomBytes),
      ends: options.ends,
    })
    if (consumed === 0) return 0
    await this.file.append(output)
    await failpoint('containers.logs.before-cursor')
    this.#doneBytes += consumed
    await this.#note(this.file.sizeBytes)
    return consumed
  }

  async close(): Promise<void> {
    await this.file.close()
    await this.#cursor.close()
  }

  /** Noted before and after, so that a crash between leads to turning over again and not to cutting off. */
  async #turnOver(): Promise<void> {
    await this.#note(-1)
    await this.file.rotate()
    await this.#note(0)
  }

  async #note(fileBytes: number): Promise<void> {
    await this.#cursor.write({ spoolBytes: this.#doneBytes, fileBytes })
  }
}
