import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import { DataLossError } from '#errors/errors.ts'
import { type OciDescriptor, isForeignLayerType } from '#spec/oci/image.ts'
import { canonicalName, type Reference } from '#spec/reference.ts'
import type { HttpResponse } from './http-transport.ts'
import type { PushLayer, PushSource } from './ports.ts'
import type { ProgressLine } from './progress.ts'
import { pullScope, pushScope, type RegistrySession } from './registry-session.ts'
import { RegistryError } from './registry-error.ts'
import { pause, retryDelayMs } from './retry.ts'
import { TransportError } from './transport-error.ts'

/** Tries of one upload; each goes on where the registry says the one before ended. */
const MAX_ATTEMPTS = 5

/** Blobs on their way to one repository (distribution-spec, "Push"). */
export class BlobUploads {
  readonly #session: RegistrySession
  readonly #source: PushSource
  readonly #repository: Reference

  constructor(options: {
    readonly session: RegistrySession
    readonly source: PushSource
    readonly repository: Reference
  }) {
    this.#session = options.session
    this.#source = options.source
    this.#repository = options.repository
  }

  /** Makes the repository have the layer, by the cheapest way; the descriptor for the manifest. */
  async putLayer(
    layer: PushLayer,
    options: {
      readonly line: ProgressLine
      readonly blob: OciDescriptor | null
      readonly signal: AbortSignal
    },
  ): Promise<OciDescriptor> {
    const { line, signal } = options
    if (options.blob !== null && isForeignLayerType(options.blob.mediaType)) {
      line.status('Skipped foreign layer')
      return options.blob
    }
    const blob = options.blob ?? (await layer.blob(signal))
    const name = canonicalName(this.#repository)
    if (await this.#exists(blob, signal)) {
      line.status('Layer already exists')
    } else {
      const mounted = await this.#mount(blob, signal)
      if (mounted.from !== null) line.status(`Mounted from ${mounted.from}`)
      else {
        await this.#upload(blob, {
          ...options,
          location: mounted.location,
          read: (offset) => layer.read(blob, offset),
        })
        line.status('Pushed')
      }
    }
    this.#source.hasBlob(blob.digest, name)
    return blob
  }

  /** Makes the repository have a small blob. */
  async putBytes(
    blob: OciDescriptor,
    options: { readonly bytes: Buffer; readonly signal: AbortSignal },
  ): Promise<void> {
    const { bytes, signal } = options
    if (await this.#exists(blob, signal)) return
    const started = await this.#start(signal)
    await this.#expect({ method: 'PUT', path: withDigest(started, blob), body: bytes, signal }, [201, 204])
  }

  async #exists(blob: OciDescriptor, signal: AbortSignal): Promise<boolean> {
    const response = await this.#session.send({
      method: 'HEAD',
      path: `${this.#repository.path}/blobs/${blob.digest}`,
      scopes: this.#scopes(),
      signal,
    })
    response.body.resume()
    return response.status === 200
  }

  /** Asks the registry to take the blob from a neighbour; where to upload it when it does not. */
  async #mount(
    blob: OciDescriptor,
    signal: AbortSignal,
  ): Promise<
    | { readonly from: string; readonly location?: undefined }
    | { readonly from: null; readonly location: URL | null }
  > {
    const { domain } = this.#repository
    for (const name of this.#source.sources(blob.digest, domain)) {
      if (name === canonicalName(this.#repository)) continue
      const from = name.slice(domain.length + 1)
      const query = new URLSearchParams({ mount: blob.digest, from })
      try {
        const response = await this.#session.expect(
          {
            method: 'POST',
            path: `${this.#repository.path}/blobs/uploads/?${query.toString()}`,
            headers: { 'Content-Length': '0' },
            scopes: [...this.#scopes(), pullScope(from)],
            signal,
          },
          [201, 202],
        )
        response.body.resume()
        if (response.status === 201) return { from }
        return { from: null, location: locationOf(response) }
      } catch (error) {
        // Not being allowed to read the neighbour is no reason to fail.
        if (!(error instanceof RegistryError)) throw error
      }
    }
    return { from: null, location: null }
  }

  async #start(signal: AbortSignal): Promise<URL> {
    const path = `${this.#repository.path}/blobs/uploads/`
    return locationOf(
      await this.#expect({ method: 'POST', path, headers: { 'Content-Length': '0' }, signal }, [202]),
    )
  }

  async #upload(
    blob: OciDescriptor,
    options: {
      location: URL | null
      line: ProgressLine
      signal: AbortSignal
      read: (offset: number) => Readable
    },
  ): Promise<void> {
    const { line, signal } = options
    let location = options.location ?? (await this.#start(signal))
    let offset = 0
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (offset < blob.size || blob.size === 0)
          location = await this.#patch(blob, { ...options, location, offset })
        await this.#expect(
          { method: 'PUT', path: withDigest(location, blob), headers: { 'Content-Length': '0' }, signal },
          [201, 204],
        )
        return
      } catch (error) {
        signal.throwIfAborted()
        const mayPass =
          error instanceof TransportError
            ? error.isTransient
            : error instanceof RegistryError && error.status >= 500
        if (!mayPass || attempt >= MAX_ATTEMPTS) throw error
        line.status('Retrying in 1 second')
        await pause(retryDelayMs(attempt), signal)
        const resumed = await this.#resume(location, signal)
        location = resumed?.location ?? (await this.#start(signal))
        offset = resumed?.offset ?? 0
      }
    }
  }

  /** Sends everything from `offset` on as one chunk; where to go on. */
  async #patch(
    blob: OciDescriptor,
    options: {
      location: URL
      offset: number
      line: ProgressLine
      signal: AbortSignal
      read: (offset: number) => Readable
    },
  ): Promise<URL> {
    const { location, offset, line, signal } = options
    const body = (): Readable =>
      options.read(offset).compose(counted(line, { from: offset, total: blob.size })) as Readable
    const response = await this.#expect(
      {
        method: 'PATCH',
        path: location,
        headers: {
          'Content-Type': 'application/octet-stream',
          'Content-Length': String(blob.size - offset),
          ...(blob.size === 0 ? {} : { 'Content-Range': `${offset}-${blob.size - 1}` }),
        },
        body,
        signal,
      },
      [202, 204],
    )
    return locationOf(response)
  }

  /** How far the registry got; null when it has forgotten the upload. */
  async #resume(location: URL, signal: AbortSignal): Promise<{ location: URL; offset: number } | null> {
    const response = await this.#session.send({
      method: 'GET',
      path: location,
      scopes: this.#scopes(),
      signal,
    })
    response.body.resume()
    if (response.status !== 204) return null
    const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers['range'] ?? '')?.[1]
    // `0-0` is what an empty upload says too: one byte is not worth the doubt.
    const offset = last === undefined || last === '0' ? 0 : Number(last) + 1
    return offset === 0 ? null : { location: locationOf(response, location), offset }
  }

  async #expect(
    request: {
      readonly method: string
      readonly path: string | URL
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: Uint8Array | (() => Readable)
      readonly signal: AbortSignal
    },
    statuses: readonly number[],
  ): Promise<HttpResponse> {
    const response = await this.#session.expect({ ...request, scopes: this.#scopes() }, statuses)
    response.body.resume()
    return response
  }

  #scopes(): readonly string[] {
    return [pushScope(this.#repository.path)]
  }
}

function locationOf(response: HttpResponse, fallback?: URL): URL {
  const location = response.headers.location
  if (location === undefined && fallback !== undefined) return fallback
  if (location === undefined || !URL.canParse(location, response.url)) {
    throw new DataLossError('the registry names no place to upload to')
  }
  return new URL(location, response.url)
}

function withDigest(location: URL, blob: OciDescriptor): URL {
  const url = new URL(location)
  url.searchParams.set('digest', blob.digest)
  return url
}

/** Passes bytes through and tells the line how many. */
function counted(line: ProgressLine, options: { readonly from: number; readonly total: number }): Transform {
  let current = options.from
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      current += chunk.byteLength
      line.figures('Pushing', { current, total: options.total })
      done(null, chunk)
    },
  })
}
