import type { Digest } from '#base/digest.ts'
import { releaseBytes } from '#base/release-bytes.ts'
import { DataLossError, UnavailableError } from '#errors/errors.ts'
import { type OciDescriptor, isForeignLayerType } from '#spec/oci/image.ts'
import { openForeignBlob } from './foreign-layers.ts'
import type { HttpTransport } from './http-transport.ts'
import type { LayerIntake, PullTarget } from './ports.ts'
import type { ProgressLine } from './progress.ts'
import type { RegistrySession } from './registry-session.ts'
import { RegistryError } from './registry-error.ts'
import { pause, retryDelayMs } from './retry.ts'
import { Semaphore } from './semaphore.ts'
import { SharedTasks } from './shared-task.ts'
import { TransportError } from './transport-error.ts'

/** A layer of an image that is being pulled. */
export interface WantedLayer {
  readonly blob: OciDescriptor
  readonly diffId: Digest
}

type Step =
  { readonly status: string } | { readonly status: string; readonly current: number; readonly total: number }

interface DownloadDependencies {
  readonly target: PullTarget
  readonly transport: HttpTransport
  readonly maxConcurrent: number
  readonly maxAttempts: number
}

/**
 * Layers on their way from registries: a few at a time over all pulls, each once however many pulls want it. A
 * download that breaks goes on from where it was, in this pull or a later one.
 */
export class LayerDownloads {
  readonly #dependencies: DownloadDependencies
  readonly #places: Semaphore
  readonly #tasks = new SharedTasks<void, Step>()

  constructor(dependencies: DownloadDependencies) {
    this.#dependencies = dependencies
    this.#places = new Semaphore(dependencies.maxConcurrent)
  }

  /** Changes how many layers are downloaded at once. */
  resize(maxConcurrent: number): void {
    this.#places.resize(maxConcurrent)
  }

  /** Resolves when the layer is stored. @throws RegistryError, TransportError, DataLossError; the signal's reason. */
  async fetch(
    layer: WantedLayer,
    options: {
      readonly session: RegistrySession
      readonly path: string
      readonly line: ProgressLine
      readonly signal: AbortSignal
    },
  ): Promise<void> {
    const { line } = options
    await this.#tasks.run(`${layer.blob.digest} ${layer.diffId}`, {
      signal: options.signal,
      onProgress(step) {
        if ('total' in step) line.figures(step.status, step)
        else line.status(step.status)
      },
      start: (signal, report) => this.#download(layer, { ...options, signal, report }),
    })
  }

  async #download(
    { blob, diffId }: WantedLayer,
    options: { session: RegistrySession; path: string; signal: AbortSignal; report: (step: Step) => void },
  ): Promise<void> {
    const { maxAttempts } = this.#dependencies
    const { signal, report } = options
    if (this.#places.isFull) report({ status: 'Waiting' })
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt({ blob, diffId }, options)
      if (outcome === null) return
      signal.throwIfAborted()
      // Bytes of an earlier try may be what is wrong: once more from the start, but a registry that lies is left alone.
      const isFinal =
        outcome.error instanceof DataLossError ? !outcome.wasResumed : !isWorthRetrying(outcome.error)
      if (isFinal || attempt >= maxAttempts) throw outcome.error
      await this.#announceRetry(attempt, options)
    }
  }

  /** One try: null when the layer is stored, else what went wrong. */
  async #attempt(
    { blob, diffId }: WantedLayer,
    options: { session: RegistrySession; path: string; signal: AbortSignal; report: (step: Step) => void },
  ): Promise<{ readonly error: unknown; readonly wasResumed: boolean } | null> {
    const { signal, report } = options
    let downloaded = false
    let wasResumed = false
    const onUnpacked = (bytes: number): void => {
      if (downloaded) report({ status: 'Extracting', current: Math.min(bytes, blob.size), total: blob.size })
    }
    const place = await this.#places.enter(signal)
    try {
      await using intake = await this.#dependencies.target.openLayer(blob, { diffId, signal, onUnpacked })
      wasResumed = intake.receivedBytes > 0
      try {
        await this.#receive(blob, { ...options, intake })
        place[Symbol.dispose]()
        report({ status: 'Verifying Checksum' })
        await intake.verify()
        downloaded = true
        report({ status: 'Download complete' })
        await intake.commit()
        report({ status: 'Pull complete' })
        return null
      } catch (error) {
        if (error instanceof DataLossError) await intake.discard()
        throw error
      }
    } catch (error) {
      return { error, wasResumed }
    } finally {
      place[Symbol.dispose]()
    }
  }

  /** Docker counts down the seconds to the next try; ours are shorter. */
  async #announceRetry(
    attempt: number,
    options: { signal: AbortSignal; report: (step: Step) => void },
  ): Promise<void> {
    const delayMs = retryDelayMs(attempt + 1)
    const seconds = Math.ceil(delayMs / 1000)
    options.report({ status: `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}` })
    await pause(delayMs, options.signal)
  }

  async #receive(
    blob: OciDescriptor,
    options: {
      session: RegistrySession
      path: string
      signal: AbortSignal
      intake: LayerIntake
      report: (step: Step) => void
    },
  ): Promise<void> {
    const { intake, signal, report } = options
    if (intake.receivedBytes >= blob.size && blob.size > 0) return
    const { body, offset } = await this.#open(blob, options)
    // A server that knows no ranges sends all again: what is here already is passed over.
    let skip = intake.receivedBytes - offset
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        signal.throwIfAborted()
        const fresh = skip >= chunk.byteLength ? null : skip > 0 ? chunk.subarray(skip) : chunk
        skip = Math.max(0, skip - chunk.byteLength)
        if (fresh === null) continue
        if (intake.receivedBytes + fresh.byteLength > blob.size) {
          throw new DataLossError(
            `filesystem layer verification failed for digest ${blob.digest}: more than ${blob.size} bytes`,
          )
        }
        await intake.write(fresh)
        releaseBytes(chunk)
        report({ status: 'Downloading', current: intake.receivedBytes, total: blob.size })
      }
    } catch (error) {
      throw isBroken(error) ? new ShortBodyError(blob, intake.receivedBytes) : error
    } finally {
      body.destroy()
    }
    if (intake.receivedBytes < blob.size) throw new ShortBodyError(blob, intake.receivedBytes)
  }

  async #open(
    blob: OciDescriptor,
    options: { session: RegistrySession; path: string; signal: AbortSignal; intake: LayerIntake },
  ): ReturnType<RegistrySession['blob']> {
    const request = { digest: blob.digest, offset: options.intake.receivedBytes, signal: options.signal }
    if (!isForeignLayerType(blob.mediaType) || (blob.urls ?? []).length === 0) {
      return await options.session.blob(options.path, request)
    }
    return await openForeignBlob(this.#dependencies.transport, { ...request, urls: blob.urls ?? [] })
  }
}

/** The registry closed the connection before the end. */
class ShortBodyError extends UnavailableError {
  constructor(blob: OciDescriptor, receivedBytes: number) {
    super(`unexpected EOF: ${receivedBytes} of ${blob.size} bytes of ${blob.digest}`)
  }
}

/** Refusals are final, but for a server that is not well; broken connections are not. */
function isWorthRetrying(error: unknown): boolean {
  if (error instanceof RegistryError) return error.status >= 500
  if (error instanceof TransportError) return error.isTransient
  return error instanceof ShortBodyError
}

/** What a response's stream fails with when the connection ends, or stands still for too long. */
function isBroken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return (
    code === 'ECONNRESET' || code === 'ETIMEDOUT' || code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'EPIPE'
  )
}
