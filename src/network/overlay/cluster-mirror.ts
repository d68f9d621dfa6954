import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import type { NetworkRecord } from '../records.ts'
import type { ClusterEndpoint, ClusterEntry, ClusterHost, ClusterKeys } from './cluster-records.ts'
import type { KeyValue } from './etcd.ts'
import type { WatchBatch } from './etcd-watch.ts'

/** Told of what other hosts, and this one, have changed. What it throws is logged. */
export interface MirrorListener {
  networkChanged(id: string, network: NetworkRecord | null): void
  endpointChanged(before: ClusterEndpoint | null, after: ClusterEndpoint | null): void
  /** Any of them, after it was taken over: the text of the record. */
  entryChanged(key: string, value: string | null): void
}

/** What the store holds, as far as this host has heard: kept by a snapshot and the changes after it. */
export class ClusterMirror {
  readonly #keys: ClusterKeys
  readonly #listener: MirrorListener
  readonly #log: Logger
  readonly #entries = new Map<string, KeyValue>()
  readonly #networks = new Map<string, NetworkRecord>()
  readonly #endpoints = new Map<string, Map<string, ClusterEndpoint>>()
  readonly #hosts = new Map<string, ClusterHost>()
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>()
  #revision = 0

  constructor(parts: {
    readonly keys: ClusterKeys
    readonly listener: MirrorListener
    readonly log: Logger
  }) {
    this.#keys = parts.keys
    this.#listener = parts.listener
    this.#log = parts.log
  }

  get networks(): ReadonlyMap<string, NetworkRecord> {
    return this.#networks
  }

  /** Hosts whose daemons speak to the store now. */
  get hosts(): ReadonlyMap<string, ClusterHost> {
    return this.#hosts
  }

  /** By the id of the endpoint. */
  endpointsOf(networkId: string): ReadonlyMap<string, ClusterEndpoint> {
    return this.#endpoints.get(networkId) ?? new Map()
  }

  *endpoints(): IterableIterator<ClusterEndpoint> {
    for (const ofNetwork of this.#endpoints.values()) yield* ofNetwork.values()
  }

  /** The revision at which an endpoint's record was last written; 0: there is none. */
  revisionOf(endpoint: { readonly networkId: string; readonly id: string }): number {
    return this.#entries.get(this.#keys.endpoint(endpoint.networkId, endpoint.id))?.modRevision ?? 0
  }

  /** Resolves when all changes up to the revision of a change have been heard. */
  reached(revision: number): Promise<void> {
    if (revision <= this.#revision) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.add({ revision, resolve }))
  }

  /** What was known before the daemon ended: good until the store tells. */
  seed(entries: Iterable<{ readonly key: string; readonly value: string }>): void {
    const known = [...entries].map((entry) => ({ ...entry, modRevision: 0, lease: '0' }))
    for (const entry of this.#networksFirst(known)) this.#take(entry, false)
  }

  /** Takes over all that there is: what is not in it is gone. */
  reset(found: readonly KeyValue[], revision: number): void {
    const keys = new Set(found.map(({ key }) => key))
    for (const entry of [...this.#entries.values()]) {
      if (!keys.has(entry.key)) this.#take({ ...entry, value: '' }, true)
    }
    for (const entry of this.#networksFirst(found)) {
      const before = this.#entries.get(entry.key)
      // The value too: a store that has lost its data counts from the beginning.
      if (before?.modRevision !== entry.modRevision || before.value !== entry.value) this.#take(entry, false)
    }
    this.#arrive(revision)
  }

  apply(batch: WatchBatch): void {
    for (const { kind, entry } of batch.changes) this.#take(entry, kind === 'delete')
    this.#arrive(batch.revision)
  }

  /** Endpoints are of networks. */
  #networksFirst(entries: readonly KeyValue[]): KeyValue[] {
    const isNetwork = ({ key }: KeyValue): boolean => key.startsWith(this.#keys.networks)
    return [...entries.filter(isNetwork), ...entries.filter((entry) => !isNetwork(entry))]
  }

  #arrive(revision: number): void {
    this.#revision = revision
    for (const waiter of this.#waiting) {
      if (waiter.revision > revision) continue
      this.#waiting.delete(waiter)
      waiter.resolve()
    }
  }

  #take(entry: KeyValue, deleted: boolean): void {
    const what = this.#keys.parse(entry.key)
    if (what.kind === 'other') return
    if (deleted) this.#entries.delete(entry.key)
    else this.#entries.set(entry.key, entry)
    try {
      this.#put(what, deleted ? null : (JSON.parse(entry.value) as unknown))
      this.#listener.entryChanged(entry.key, deleted ? null : entry.value)
    } catch (error) {
      this.#log.error('cannot follow a change of the cluster', { key: entry.key, reason: messageOf(error) })
    }
  }

  #put(what: Exclude<ClusterEntry, { kind: 'other' }>, value: unknown): void {
    switch (what.kind) {
      case 'network':
        change(this.#networks, what.id, value as NetworkRecord | null)
        return this.#listener.networkChanged(what.id, value as NetworkRecord | null)
      case 'host':
        return change(this.#hosts, what.id, value as ClusterHost | null)
      case 'endpoint': {
        const ofNetwork = this.#endpoints.get(what.networkId) ?? new Map<string, ClusterEndpoint>()
        const before = ofNetwork.get(what.id) ?? null
        change(ofNetwork, what.id, value as ClusterEndpoint | null)
        if (ofNetwork.size === 0) this.#endpoints.delete(what.networkId)
        else this.#endpoints.set(what.networkId, ofNetwork)
        return this.#listener.endpointChanged(before, value as ClusterEndpoint | null)
      }
    }
  }
}

function change<T>(map: Map<string, T>, key: string, value: T | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}
