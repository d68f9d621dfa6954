import type { Database, Schema } from '#store/database.ts'
import { NameIndex } from './dns/name-index.ts'
import type { NetworkRecord, SandboxRecord } from './records.ts'

/** The tables of this area. */
export const networkSchema: Schema = {
  area: 'network',
  migrations: [
    `CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, record TEXT NOT NULL) STRICT;
     CREATE TABLE network_sandboxes (container_id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;`,
    // What other programs hold for us, by the network or endpoint that it is held for.
    `CREATE TABLE network_foreign (number INTEGER PRIMARY KEY, owner TEXT NOT NULL, thing TEXT NOT NULL) STRICT;
     CREATE INDEX network_foreign_owner ON network_foreign (owner);`,
  ],
}

/** Records of networks and sandboxes, in memory and in the database alike. Reads never touch the disk. */
export class NetworkStore {
  readonly #database: Database
  readonly #networks = new Map<string, NetworkRecord>()
  readonly #idsByName = new Map<string, string>()
  readonly #sandboxes = new Map<string, SandboxRecord>()
  readonly #attached = new Map<string, Map<string, SandboxRecord>>()
  readonly names = new NameIndex()

  constructor(database: Database) {
    this.#database = database
    for (const row of database.prepare('SELECT record FROM networks').all()) {
      this.#index(JSON.parse(String(row['record'])) as NetworkRecord)
    }
    for (const row of database.prepare('SELECT record FROM network_sandboxes').all()) {
      const record = JSON.parse(String(row['record'])) as SandboxRecord
      this.#indexSandbox(record.containerId, record)
    }
  }

  networks(): IterableIterator<NetworkRecord> {
    return this.#networks.values()
  }

  network(id: string): NetworkRecord | null {
    return this.#networks.get(id) ?? null
  }

  networkByName(name: string): NetworkRecord | null {
    const id = this.#idsByName.get(name)
    return id === undefined ? null : this.network(id)
  }

  putNetwork(record: NetworkRecord): void {
    this.#database
      .prepare(
        'INSERT INTO networks VALUES (?, ?, ?) ON CONFLICT(id) DO UPDATE SET name = excluded.name, record = excluded.record',
      )
      .run(record.id, record.name, JSON.stringify(record))
    this.#index(record)
  }

  deleteNetwork(id: string): void {
    this.#database.prepare('DELETE FROM networks WHERE id = ?').run(id)
    const record = this.#networks.get(id)
    if (record !== undefined) this.#idsByName.delete(record.name)
    this.#networks.delete(id)
  }

  sandboxes(): IterableIterator<SandboxRecord> {
    return this.#sandboxes.values()
  }

  sandbox(containerId: string): SandboxRecord | null {
    return this.#sandboxes.get(containerId) ?? null
  }

  putSandbox(record: SandboxRecord): void {
    this.#database
      .prepare(
        'INSERT INTO network_sandboxes VALUES (?, ?) ON CONFLICT(container_id) DO UPDATE SET record = excluded.record',
      )
      .run(record.containerId, JSON.stringify(record))
    this.#indexSandbox(record.containerId, record)
  }

  /** As `putSandbox`, in one transaction with what another area writes. */
  putSandboxWith(record: SandboxRecord, other: () => void): void {
    this.#database.transaction(() => {
      other()
      this.putSandbox(record)
    })
  }

  deleteSandbox(containerId: string): void {
    this.#database.prepare('DELETE FROM network_sandboxes WHERE container_id = ?').run(containerId)
    this.#indexSandbox(containerId, null)
  }

  /** The sandboxes with an endpoint in this network, by container. */
  attachedTo(networkId: string): ReadonlyMap<string, SandboxRecord> {
    return this.#attached.get(networkId) ?? new Map()
  }

  /** Resolves when all that was recorded survives the loss of power. */
  durable(): Promise<void> {
    return this.#database.durable()
  }

  #indexSandbox(containerId: string, record: SandboxRecord | null): void {
    const before = this.#sandboxes.get(containerId)
    for (const { networkId } of before?.endpoints ?? []) {
      const attached = this.#attached.get(networkId)
      attached?.delete(containerId)
      if (attached?.size === 0) this.#attached.delete(networkId)
    }
    if (before !== undefined) this.names.remove(before)
    if (record === null) {
      this.#sandboxes.delete(containerId)
      return
    }
    this.#sandboxes.set(containerId, record)
    this.names.add(record)
    for (const { networkId } of record.endpoints) {
      const attached = this.#attached.get(networkId) ?? new Map<string, SandboxRecord>()
      this.#attached.set(networkId, attached.set(containerId, record))
    }
  }

  #index(record: NetworkRecord): void {
    this.#networks.set(record.id, record)
    this.#idsByName.set(record.name, record.id)
  }
}
