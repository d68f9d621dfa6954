import type * as C from '#spec/docker/container.ts'
import type { ContainerListOptions } from '#spec/docker/options.ts'
import { NotFoundError } from '#errors/errors.ts'
import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'
import { isRunning } from '../state.ts'
import { nowNs } from '#base/wall-clock.ts'
import { containerFilter } from './filters.ts'
import { inspectContainer } from './inspect.ts'
import { summarize } from './summary.ts'
import { livePorts, networkSettings } from './network-view.ts'

/** Looks at containers; changes nothing. */
export class Queries {
  readonly #context: ContainerContext
  readonly #execIds: (containerId: string) => readonly string[]

  constructor(context: ContainerContext, options: { execIds: (containerId: string) => readonly string[] }) {
    this.#context = context
    this.#execIds = options.execIds
  }

  /** `GET /containers/json`, newest first. */
  async list(options: ContainerListOptions): Promise<readonly C.ContainerSummary[]> {
    const { records, images, networks, snapshots } = this.#context
    const fits = containerFilter(options.filters, {
      imageFamily: (name) => this.#imageFamily(name),
      container: (reference) => records.resolve(reference),
      networksOf: (record) => this.#networksOf(record),
      publishedPorts: (record) =>
        Object.entries(livePorts(record, networks)).flatMap(([port, bindings]) =>
          (bindings ?? []).map((binding) => `${binding.HostPort ?? ''}/${port.split('/')[1] ?? 'tcp'}`),
        ),
    })
    const states = options.filters.get('status')
    const showsStopped =
      options.all ||
      (options.limit !== null && options.limit > 0) ||
      (states !== undefined && states.length > 0)
    const now = nowNs()
    const linkNames = this.#linkNames()
    const shown: C.ContainerSummary[] = []
    for (const record of [...records.all()].reverse()) {
      if (options.limit !== null && options.limit > 0 && shown.length >= options.limit) break
      if (!showsStopped && !isRunning(record.state)) continue
      if (!fits(record)) continue
      const summary = summarize(record, {
        networks,
        images,
        nowNs: now,
        linkNames: linkNames.get(record.id) ?? [],
      })
      if (!options.size) shown.push(summary)
      else {
        const usage = await snapshots.usage(record.id)
        shown.push({ ...summary, SizeRw: usage.rwBytes, SizeRootFs: usage.rootFsBytes })
      }
    }
    return shown
  }

  /** `GET /containers/{id}/json`. @throws NotFoundError */
  async inspect(name: string, options: { readonly size: boolean }): Promise<C.ContainerInspectResponse> {
    const record = this.#context.records.resolve(name)
    return inspectContainer(this.#context, record, {
      execIds: this.#execIds(record.id),
      sizes: options.size ? await this.#context.snapshots.usage(record.id) : null,
    })
  }

  /** `GET /containers/{id}/changes`; null when nothing changed. @throws NotFoundError */
  async changes(name: string): Promise<readonly C.FilesystemChange[] | null> {
    const { id } = this.#context.records.resolve(name)
    const changes = await this.#context.snapshots.changes(id)
    const kinds = { modify: 0, add: 1, delete: 2 }
    return changes.length === 0 ? null : changes.map(({ path, kind }) => ({ Path: path, Kind: kinds[kind] }))
  }

  /** Numbers by state, for `/info`. */
  counts(): { readonly running: number; readonly paused: number; readonly stopped: number } {
    const { records } = this.#context
    const count = (...states: ContainerRecord['state']['status'][]): number =>
      states.reduce((sum, state) => sum + records.count(state), 0)
    return {
      running: count('running', 'restarting'),
      paused: count('paused'),
      stopped: count('created', 'exited', 'dead', 'removing'),
    }
  }

  #networksOf(record: ContainerRecord): readonly string[] {
    const settings = networkSettings(record, this.#context.networks)
    return Object.entries(settings.Networks ?? {}).flatMap(([name, endpoint]) => [
      name,
      endpoint.NetworkID ?? '',
    ])
  }

  /** The image and all that were made from it. */
  #imageFamily(name: string): ReadonlySet<string> {
    const { images } = this.#context
    let root
    try {
      root = images.get(name)
    } catch (error) {
      if (error instanceof NotFoundError) return new Set()
      throw error
    }
    const family = new Set<string>([root.id])
    for (const image of images.all()) {
      if (
        image.layers.length >= root.layers.length &&
        root.layers.every((layer, n) => image.layers[n] === layer)
      ) {
        if (root.layers.length > 0) family.add(image.id)
      }
    }
    return family
  }

  /** Names that legacy links give to containers: `/parent/alias`. */
  #linkNames(): ReadonlyMap<string, readonly string[]> {
    const names = new Map<string, string[]>()
    for (const record of this.#context.records.all()) {
      for (const { containerId, alias } of record.links) {
        const list = names.get(containerId) ?? []
        names.set(containerId, [...list, `/${record.name}/${alias}`])
      }
    }
    return names
  }
}
