import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** An image as a registry has it: bytes and digests. */
export interface ServedImage {
  readonly manifest: Buffer
  readonly manifestDigest: string
  readonly mediaType: string
  readonly config: Buffer
  readonly configDigest: string
  readonly layers: readonly { readonly blob: Buffer; readonly digest: string; readonly diffId: string }[]
}

/** Answers a request in the registry's place when it returns true. */
export type Script = (request: IncomingMessage, response: ServerResponse, server: RegistryServer) => boolean

interface ServerOptions {
  /** Key and certificate for TLS. */
  readonly tls?: {
    readonly key: string
    readonly cert: string
    readonly ca?: string
    readonly requestCert?: boolean
  }
  /** Users by name; none means that anybody may come. */
  readonly users?: Readonly<Record<string, string>>
  readonly scheme?: 'basic' | 'bearer'
}

export const OCI_MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'
export const OCI_INDEX_TYPE = 'application/vnd.oci.image.index.v1+json'

export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** Makes an image of these layers (uncompressed tars). */
export function makeImage(
  tars: readonly Buffer[],
  options: {
    readonly architecture?: string
    readonly variant?: string
    readonly config?: object
    readonly mark?: string
  } = {},
): ServedImage {
  const layers = tars.map((tar) => {
    const blob = gzipSync(tar)
    return { blob, digest: sha256(blob), diffId: sha256(tar) }
  })
  const created = '2024-01-02T03:04:05.678901234Z'
  const config = Buffer.from(
    JSON.stringify({
      architecture: options.architecture ?? 'amd64',
      os: 'linux',
      ...(options.variant === undefined ? {} : { variant: options.variant }),
      created,
      author: options.mark ?? 'a test',
      config: { Cmd: ['sh'], Env: ['PATH=/bin'], ...options.config },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
      history: layers.map((_, index) => ({ created, created_by: `layer ${index}` })),
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST_TYPE,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: sha256(config),
        size: config.length,
      },
      layers: layers.map(({ blob, digest }) => ({
        mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
        digest,
        size: blob.length,
      })),
    }),
  )
  return {
    manifest,
    manifestDigest: sha256(manifest),
    mediaType: OCI_MANIFEST_TYPE,
    config,
    configDigest: sha256(config),
    layers,
  }
}

/** An index of images for several platforms. */
export function makeIndex(images: readonly { image: ServedImage; platform: object }[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX_TYPE,
      manifests: images.map(({ image, platform }) => ({
        mediaType: image.mediaType,
        digest: image.manifestDigest,
        size: image.manifest.length,
        platform,
      })),
    }),
  )
}

/** A registry in memory, on loopback, that can be told to misbehave. */
export class RegistryServer implements AsyncDisposable {
  readonly requests: string[] = []
  readonly blobs = new Map<string, Buffer>()
  /** By `repository/reference`. */
  readonly manifests = new Map<string, { readonly content: Buffer; readonly mediaType: string }>()
  readonly uploads = new Map<string, Buffer>()
  script: Script | null = null
  readonly #server: Server
  readonly #options: ServerOptions
  #address = ''

  private constructor(options: ServerOptions) {
    this.#options = options
    const listener = (request: IncomingMessage, response: ServerResponse): void =>
      this.#serve(request, response)
    this.#server =
      options.tls === undefined
        ? createServer(listener)
        : createTlsServer({ ...options.tls, rejectUnauthorized: true }, listener)
  }

  static async start(options: ServerOptions = {}): Promise<RegistryServer> {
    const server = new RegistryServer(options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    server.#address = `127.0.0.1:${(server.#server.address() as AddressInfo).port}`
    return server
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return this.#address
  }

  get origin(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://${this.#address}`
  }

  add(repository: string, tag: string, image: ServedImage): void {
    this.addBlobs(image)
    this.addManifest(repository, tag, { content: image.manifest, mediaType: image.mediaType })
  }

  addBlobs(image: ServedImage): void {
    this.blobs.set(image.configDigest, image.config)
    for (const { digest, blob } of image.layers) this.blobs.set(digest, blob)
  }

  addManifest(repository: string, tag: string, manifest: { content: Buffer; mediaType: string }): void {
    this.manifests.set(`${repository}/${tag}`, manifest)
    this.manifests.set(`${repository}/${sha256(manifest.content)}`, manifest)
  }

  /** How many requests so far match. */
  count(pattern: RegExp): number {
    return this.requests.filter((line) => pattern.test(line)).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.origin)
    this.requests.push(`${request.method} ${request.url}`)
    request.on('error', () => {})
    response.on('error', () => {})
    if (this.script?.(request, response, this) === true) return
    if (url.pathname === '/token') return this.#token(request, { response, url })
    if (!this.#isAllowed(request)) return this.#challenge(response)
    const route = /^\/v2\/(.*)$/.exec(url.pathname)?.[1]
    if (route === undefined) return refuse(response, 404, 'NOT_FOUND')
    if (route === '') return void response.end('{}')
    const manifest = /^(.+)\/manifests\/([^/]+)$/.exec(route)
    if (manifest !== null)
      return this.#manifest(request, {
        response,
        repository: manifest[1] as string,
        reference: manifest[2] as string,
      })
    const blob = /^(.+)\/blobs\/(sha256:[0-9a-f]{64})$/.exec(route)
    if (blob !== null) return this.#blob(request, { response, digest: blob[2] as string })
    const tags = /^(.+)\/tags\/list$/.exec(route)
    if (tags !== null) return this.#tags(response, tags[1] as string)
    const upload = /^(.+)\/blobs\/uploads\/(.*)$/.exec(route)
    if (upload !== null)
      return this.#upload(request, {
        response,
        url,
        repository: upload[1] as string,
        id: upload[2] as string,
      })
    refuse(response, 404, 'NAME_UNKNOWN')
  }

  #isAllowed(request: IncomingMessage): boolean {
    const { users, scheme } = this.#options
    if (users === undefined) return true
    const authorization = request.headers.authorization ?? ''
    if (scheme === 'bearer') return authorization.startsWith('Bearer token-of-')
    return this.#userOf(authorization) !== null
  }

  #userOf(authorization: string): string | null {
    const [name, password] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
      .toString('utf8')
      .split(':')
    return name !== undefined && name !== '' && this.#options.users?.[name] === password ? name : null
  }

  #challenge(response: ServerResponse): void {
    const challenge =
      this.#options.scheme === 'bearer'
        ? `Bearer realm="${this.origin}/token",service="test registry"`
        : 'Basic realm="test registry"'
    response.setHeader('WWW-Authenticate', challenge)
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required')
  }

  #token(request: IncomingMessage, options: { response: ServerResponse; url: URL }): void {
    const user = this.#userOf(request.headers.authorization ?? '')
    if (user === null) return refuse(options.response, 401, 'UNAUTHORIZED', 'incorrect username or password')
    options.response.end(JSON.stringify({ token: `token-of-${user}`, expires_in: 300 }))
  }

  #manifest(
    request: IncomingMessage,
    options: { response: ServerResponse; repository: string; reference: string },
  ): void {
    const { response, repository, reference } = options
    if (request.method === 'PUT') {
      const mediaType = request.headers['content-type'] ?? ''
      collect(request, (content) => {
        this.addManifest(repository, reference, { content, mediaType })
        response.setHeader('Docker-Content-Digest', sha256(content))
        response.writeHead(201).end()
      })
      return
    }
    const manifest = this.manifests.get(`${repository}/${reference}`)
    if (manifest === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown')
    response.setHeader('Content-Type', manifest.mediaType)
    response.setHeader('Docker-Content-Digest', sha256(manifest.content))
    response.end(manifest.content)
  }

  #blob(request: IncomingMessage, options: { response: ServerResponse; digest: string }): void {
    const { response, digest } = options
    const blob = this.blobs.get(digest)
    if (blob === undefined) return refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry')
    const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start > 0) {
      response.writeHead(206, { 'Content-Range': `bytes ${start}-${blob.length - 1}/${blob.length}` })
    }
    if (start === 0) response.setHeader('Content-Length', blob.length)
    response.end(request.method === 'HEAD' ? undefined : blob.subarray(start))
  }

  #tags(response: ServerResponse, repository: string): void {
    const tags = [...this.manifests.keys()]
      .filter((key) => key.startsWith(`${repository}/`) && !key.includes('sha256:'))
      .map((key) => key.slice(repository.length + 1))
    response.end(JSON.stringify({ name: repository, tags }))
  }

  #upload(
    request: IncomingMessage,
    options: { response: ServerResponse; url: URL; repository: string; id: string },
  ): void {
    const { response, url, repository, id } = options
    const location = (name: string): string => `/v2/${repository}/blobs/uploads/${name}?state=x`
    const mount = url.searchParams.get('mount')
    if (request.method === 'POST') {
      request.resume()
      if (mount !== null && this.blobs.has(mount)) return void response.writeHead(201).end()
      const name = `u${this.uploads.size}`
      this.uploads.set(name, Buffer.alloc(0))
      return void response.writeHead(202, { Location: location(name) }).end()
    }
    const known = this.uploads.get(id)
    if (known === undefined) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN')
    if (request.method === 'GET') {
      return void response
        .writeHead(204, { Location: location(id), Range: `0-${Math.max(known.length - 1, 0)}` })
        .end()
    }
    collect(request, (chunk) => {
      const all = Buffer.concat([known, chunk])
      this.uploads.set(id, all)
      if (request.method === 'PATCH') {
        return void response.writeHead(202, { Location: location(id), Range: `0-${all.length - 1}` }).end()
      }
      const digest = url.searchParams.get('digest') ?? ''
      if (sha256(all) !== digest)
        return refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match')
      this.blobs.set(digest, all)
      response.writeHead(201, { Location: `/v2/${repository}/blobs/${digest}` }).end()
    })
  }
}

/** Answers in the form of the distribution-spec. */
export function refuse(response: ServerResponse, status: number, code: string, message = ''): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify({ errors: [{ code, message }] }))
}

function collect(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => done(Buffer.concat(chunks)))
}
