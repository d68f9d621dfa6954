import type { Readable } from 'node:stream'
import type {
  ContainerCreateResponse,
  ContainerInspectResponse,
  ContainerSummary,
  ContainerTopResponse,
  ContainerUpdateResponse,
  ContainerWaitResponse,
  FilesystemChange,
} from '#spec/docker/container.ts'
import type { Filters } from '#spec/docker/filters.ts'
import type { PublishRequest, Resources, RestartPolicy } from '#spec/docker/host-config.ts'
import type { ContainerCreateRequest } from '#spec/docker/requests.ts'
import type { ContainerStatsResponse } from '#spec/docker/stats.ts'
import { filtersQuery } from './filters.ts'
import { INSPECT_VERSION } from './inspect-version.ts'
import { bodyChunks, bodyStream } from './http1.ts'
import { demultiplex, hijacked, jsonValues, undivided } from './streams.ts'
import type { Hijacked, OutputChunk } from './streams.ts'
import type { Transport } from './transport.ts'

/** What `logs` gives. Times as the API takes them: seconds, with a fraction. */
export interface LogOptions {
  readonly follow?: boolean
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly tail?: string | undefined
  readonly timestamps?: boolean
  readonly details?: boolean
  /** Whether the container has a terminal: its log has no frames. */
  readonly isTty: boolean
  readonly signal?: AbortSignal
}

/** Which streams to attach. */
export interface AttachOptions {
  readonly stdin?: boolean
  readonly stdout?: boolean
  readonly stderr?: boolean
  readonly logs?: boolean
  readonly detachKeys?: string | undefined
  readonly isTty: boolean
}

/** What a path in a container is (header X-Docker-Container-Path-Stat). */
export interface PathStat {
  readonly name: string
  readonly size: number
  /** Go's os.FileMode. */
  readonly mode: number
  readonly mtime: string
  readonly linkTarget: string
}

const base = (id: string): string => `/containers/${encodeURIComponent(id)}`

/** `/containers`. Every method throws DaemonError in the daemon's words. */
export class Containers {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  list(
    options: { all?: boolean; limit?: number | undefined; size?: boolean; filters?: Filters } = {},
  ): Promise<ContainerSummary[]> {
    const { all, limit, size, filters } = options
    const query = {
      all: all === true ? 1 : undefined,
      limit,
      size: size === true ? 1 : undefined,
      filters: filtersQuery(filters),
    }
    return this.#transport.json('/containers/json', { query })
  }

  create(
    request: ContainerCreateRequest,
    options: { name?: string | undefined; platform?: string | undefined } = {},
  ): Promise<ContainerCreateResponse> {
    const query = { name: options.name, platform: options.platform }
    return this.#transport.json('/containers/create', { method: 'POST', json: request, query })
  }

  inspect(id: string): Promise<ContainerInspectResponse> {
    return this.#transport.json(`${base(id)}/json`)
  }

  /** The description as the daemon wrote it. */
  inspectText(id: string, { size = false }: { size?: boolean } = {}): Promise<string> {
    return this.#transport.text(`${base(id)}/json`, {
      query: { size: size ? 1 : undefined },
      version: INSPECT_VERSION,
    })
  }

  async start(id: string, options: { detachKeys?: string | undefined } = {}): Promise<void> {
    await this.#post(id, 'start', { detachKeys: options.detachKeys })
  }

  async stop(
    id: string,
    options: { signal?: string | undefined; timeoutSeconds?: number | undefined } = {},
  ): Promise<void> {
    await this.#post(id, 'stop', { signal: options.signal, t: options.timeoutSeconds })
  }

  async restart(
    id: string,
    options: { signal?: string | undefined; timeoutSeconds?: number | undefined } = {},
  ): Promise<void> {
    await this.#post(id, 'restart', { signal: options.signal, t: options.timeoutSeconds })
  }

  async kill(id: string, signal?: string): Promise<void> {
    await this.#post(id, 'kill', { signal })
  }

  async pause(id: string): Promise<void> {
    await this.#post(id, 'pause')
  }

  async unpause(id: string): Promise<void> {
    await this.#post(id, 'unpause')
  }

  async rename(id: string, name: string): Promise<void> {
    await this.#post(id, 'rename', { name })
  }

  async resize(id: string, size: { rows: number; columns: number }): Promise<void> {
    await this.#post(id, 'resize', { h: size.rows, w: size.columns })
  }

  update(
    id: string,
    request: Resources & PublishRequest & { RestartPolicy?: RestartPolicy },
  ): Promise<ContainerUpdateResponse> {
    return this.#transport.json(`${base(id)}/update`, { method: 'POST', json: request })
  }

  async remove(
    id: string,
    options: { force?: boolean; volumes?: boolean; link?: boolean } = {},
  ): Promise<void> {
    const query = { force: one(options.force), v: one(options.volumes), link: one(options.link) }
    await this.#transport.text(base(id), { method: 'DELETE', query })
  }

  /**
   * Waits for a condition. The first promise resolves when the daemon has registered the wait, with the result's promise.
   */
  async wait(
    id: string,
    options: { condition?: 'not-running' | 'next-exit' | 'removed'; signal?: AbortSignal } = {},
  ): Promise<{ result: Promise<ContainerWaitResponse> }> {
    const { condition, signal } = options
    const response = await this.#transport.request(`${base(id)}/wait`, {
      method: 'POST',
      query: { condition },
      signal,
    })
    const result = (async () => {
      let text = ''
      for await (const chunk of bodyChunks(response)) text += chunk.toString()
      return JSON.parse(text) as ContainerWaitResponse
    })()
    result.catch(() => undefined)
    return { result }
  }

  async *logs(id: string, options: LogOptions): AsyncGenerator<OutputChunk> {
    const { follow, since, until, tail, timestamps, details, isTty, signal } = options
    const query = {
      stdout: 1,
      stderr: 1,
      follow: one(follow),
      since,
      until,
      tail,
      timestamps: one(timestamps),
      details: one(details),
    }
    const response = await this.#transport.request(`${base(id)}/logs`, { query, signal })
    yield* isTty ? undivided(bodyChunks(response)) : demultiplex(bodyChunks(response))
  }

  async attach(id: string, options: AttachOptions): Promise<Hijacked> {
    const { stdin, stdout, stderr, logs, detachKeys, isTty } = options
    const query = {
      stream: 1,
      stdin: one(stdin),
      stdout: one(stdout),
      stderr: one(stderr),
      logs: one(logs),
      detachKeys,
    }
    return hijacked(await this.#transport.hijack(`${base(id)}/attach`, { method: 'POST', query }), { isTty })
  }

  top(id: string, psArgs?: string): Promise<ContainerTopResponse> {
    return this.#transport.json(`${base(id)}/top`, { query: { ps_args: psArgs } })
  }

  async *stats(
    id: string,
    options: { stream: boolean; oneShot?: boolean; signal?: AbortSignal },
  ): AsyncGenerator<ContainerStatsResponse> {
    const query = { stream: options.stream ? 1 : 0, 'one-shot': one(options.oneShot) }
    const response = await this.#transport.request(`${base(id)}/stats`, { query, signal: options.signal })
    yield* jsonValues<ContainerStatsResponse>(bodyChunks(response))
  }

  async changes(id: string): Promise<readonly FilesystemChange[]> {
    return (await this.#transport.json<FilesystemChange[] | null>(`${base(id)}/changes`)) ?? []
  }

  async export(id: string): Promise<Readable> {
    return bodyStream(await this.#transport.request(`${base(id)}/export`))
  }

  async statPath(id: string, path: string): Promise<PathStat> {
    const response = await this.#transport.request(`${base(id)}/archive`, { query: { path } })
    response.socket.destroy()
    return pathStat(response.headers)
  }

  async copyFrom(id: string, path: string): Promise<{ stat: PathStat; tar: AsyncIterable<Buffer> }> {
    const response = await this.#transport.request(`${base(id)}/archive`, { query: { path } })
    return { stat: pathStat(response.headers), tar: bodyChunks(response) }
  }

  async copyTo(
    id: string,
    options: {
      path: string
      tar: AsyncIterable<Uint8Array>
      noOverwriteDirNonDir?: boolean
      copyUIDGID?: boolean
    },
  ): Promise<void> {
    const { path, tar, noOverwriteDirNonDir, copyUIDGID } = options
    const query = {
      path,
      noOverwriteDirNonDir: noOverwriteDirNonDir === true ? 'true' : undefined,
      copyUIDGID: copyUIDGID === true ? 'true' : undefined,
    }
    await this.#transport.text(`${base(id)}/archive`, {
      method: 'PUT',
      query,
      body: tar,
      headers: { 'Content-Type': 'application/x-tar' },
    })
  }

  commit(
    id: string,
    options: {
      repo?: string | undefined
      tag?: string | undefined
      comment?: string | undefined
      author?: string | undefined
      pause?: boolean
      changes?: readonly string[]
    },
  ): Promise<{ Id: string }> {
    const { repo, tag, comment, author, pause = true, changes } = options
    const query = { container: id, repo, tag, comment, author, pause: pause ? undefined : 0, changes }
    return this.#transport.json('/commit', { method: 'POST', query, json: {} })
  }

  prune(
    filters?: Filters,
  ): Promise<{ ContainersDeleted?: readonly string[] | null; SpaceReclaimed?: number }> {
    return this.#transport.json('/containers/prune', {
      method: 'POST',
      query: { filters: filtersQuery(filters) },
    })
  }

  async #post(
    id: string,
    action: string,
    query: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<void> {
    await this.#transport.text(`${base(id)}/${action}`, { method: 'POST', query })
  }
}

const one = (flag: boolean | undefined): 1 | undefined => (flag === true ? 1 : undefined)

function pathStat(headers: ReadonlyMap<string, string>): PathStat {
  const text = headers.get('x-docker-container-path-stat') ?? ''
  return JSON.parse(Buffer.from(text, 'base64').toString() || '{}') as PathStat
}
