import { ConflictError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { Database, Schema } from '#store/database.ts'
import type { ContainerDefinition, ContainerRecord } from './records.ts'
import type { ContainerStatus } from './state.ts'

/** The table of containers. `state` is apart from `definition`, since it is written often and is small. */
export const containerSchema: Schema = {
  area: 'containers',
  migrations: [
    `CREATE TABLE containers (
       id TEXT PRIMARY KEY,
       name TEXT NOT NULL UNIQUE,
       created_ns INTEGER NOT NULL,
       definition TEXT NOT NULL,
       state TEXT NOT NULL
     ) STRICT;
     CREATE INDEX containers_created ON containers (created_ns);`,
  ],
}

type Mutable = Pick<ContainerRecord, 'state' | 'restartCount' | 'stoppedByUser' | 'logPath'>

/** Told of every change of a container's record, after it is written. */
export type RecordListener = (record: ContainerRecord, before: ContainerRecord | null) => void

/**
 * The containers of this daemon: in memory for reading, in the database for good. A record is replaced, never
 * changed, so who holds one sees one moment. Writes are visible at once and survive the death of the process;
 * the loss of power only after `durable()`.
 */
export class RecordStore {
  readonly #database: Database
  readonly #records = new Map<string, ContainerRecord>()
  readonly #idsByName = new Map<string, string>()
  /** Names given out to creations that have not written their record yet. */
  readonly #reserved = new Map<string, string>()
  readonly #counts = new Map<ContainerStatus['status'], number>()

  constructor(database: Database) {
    this.#database = database
    const rows = database
      .prepare('SELECT definition, state FROM containers ORDER BY created_ns, rowid')
      .all() as unknown as readonly { definition: string; state: string }[]
    for (const row of rows) {
      const definition = JSON.parse(row.definition) as ContainerDefinition
      this.#remember({ ...definition, ...(JSON.parse(row.state) as Mutable) }, null)
    }
  }

  /** All containers, oldest first. */
  all(): IterableIterator<ContainerRecord> {
    return this.#records.values()
  }

  /** How many containers are in this state; constant time. */
  count(status: ContainerStatus['status']): number {
    return this.#counts.get(status) ?? 0
  }

  /** The container of this full id, or null. */
  find(id: string): ContainerRecord | null {
    return this.#records.get(id) ?? null
  }

  /** The container of this full id. @throws NotFoundError when it was removed meanwhile. */
  get(id: string): ContainerRecord {
    const record = this.#records.get(id)
    if (record === undefined) throw new NotFoundError(`No such container: ${id}`)
    return record
  }

  /**
   * The container of this id, name, name by a link (`parent/alias`), or unique prefix of an id, in this order as Docker.
   * @throws NotFoundError; InvalidArgumentError when the prefix fits several.
   */
  resolve(reference: string): ContainerRecord {
    if (reference === '') throw new InvalidArgumentError('container name or ID is empty')
    const name = reference.startsWith('/') ? reference.slice(1) : reference
    const exact =
      this.#records.get(reference) ??
      this.#records.get(this.#idsByName.get(name) ?? this.#linkedId(name) ?? '')
    if (exact !== undefined) return exact
    if (/^[0-9a-f]{1,63}$/.test(reference)) {
      const rows = this.#database
        .prepare('SELECT id FROM containers WHERE id >= ? AND id < ? LIMIT 2')
        .all(reference, `${reference}g`)
      if (rows.length > 1) {
        throw new InvalidArgumentError(`multiple IDs found with provided prefix: ${reference}`)
      }
      const found = this.#records.get(String(rows[0]?.['id']))
      if (found !== undefined) return found
    }
    throw new NotFoundError(`No such container: ${reference}`)
  }

  /** Keeps a name for a container in the making. @throws ConflictError in Docker's words. */
  reserve(name: string, id: string): void {
    const owner = this.#idsByName.get(name) ?? this.#reserved.get(name)
    if (owner !== undefined && owner !== id) {
      throw new ConflictError(
        `Conflict. The container name "/${name}" is already in use by container "${owner}". ` +
          `You have to remove (or rename) that container to be able to reuse that name.`,
      )
    }
    this.#reserved.set(name, id)
  }

  /** Tells whether a name is free, without keeping it. */
  isNameFree(name: string): boolean {
    return !this.#idsByName.has(name) && !this.#reserved.has(name)
  }

  /** Gives back a name that was kept, if its container was not written down. */
  unreserve(name: string, id: string): void {
    if (this.#reserved.get(name) === id) this.#reserved.delete(name)
  }

  /**
   * Writes a container in the making down: it survives a crash, to be swept then, but no client sees it before
   * `reveal`.
   */
  insertHidden(record: ContainerRecord): ContainerRecord {
    const [definition, state] = split(record)
    this.#database
      .prepare('INSERT INTO containers (id, name, created_ns, definition, state) VALUES (?, ?, ?, ?, ?)')
      .run(record.id, record.name, BigInt(Date.parse(record.createdAt)) * 1_000_000n, definition, state)
    return record
  }

  /** The container is made: clients see it from now on. */
  reveal(record: ContainerRecord): void {
    const [definition, state] = split(record)
    this.#database
      .prepare('UPDATE containers SET definition = ?, state = ? WHERE id = ?')
      .run(definition, state, record.id)
    this.#remember(record, null)
    this.unreserve(record.name, record.id)
  }

  /** Changes what may change while a container lives; returns the record after. */
  setState(id: string, change: Partial<Mutable>): ContainerRecord {
    const before = this.get(id)
    const after: ContainerRecord = { ...before, ...change }
    this.#database.prepare('UPDATE containers SET state = ? WHERE id = ?').run(split(after)[1], id)
    this.#remember(after, before)
    return after
  }

  /** Changes the definition: `rename`, `update`, `network connect`; returns the record after. */
  redefine(id: string, change: Partial<Omit<ContainerDefinition, 'id'>>): ContainerRecord {
    const before = this.get(id)
    const after: ContainerRecord = { ...before, ...change }
    this.#database
      .prepare('UPDATE containers SET name = ?, definition = ? WHERE id = ?')
      .run(after.name, split(after)[0], id)
    this.#remember(after, before)
    if (after.name !== before.name) this.unreserve(after.name, id)
    return after
  }

  /** Forgets a container, hidden or not; its name is free at once. */
  delete(id: string): void {
    this.#database.prepare('DELETE FROM containers WHERE id = ?').run(id)
    const record = this.#records.get(id)
    if (record === undefined) return
    this.#records.delete(id)
    if (this.#idsByName.get(record.name) === id) this.#idsByName.delete(record.name)
    this.#count(record.state.status, -1)
  }

  /** Resolves when all that was written so far survives the loss of power. */
  durable(): Promise<void> {
    return this.#database.durable()
  }

  #linkedId(name: string): string | undefined {
    const slash = name.indexOf('/')
    if (slash < 0) return undefined
    const parent = this.#records.get(this.#idsByName.get(name.slice(0, slash)) ?? '')
    return parent?.links.find((link) => link.alias === name.slice(slash + 1))?.containerId
  }

  #remember(record: ContainerRecord, before: ContainerRecord | null): void {
    this.#records.set(record.id, record)
    if (before !== null) {
      this.#count(before.state.status, -1)
      if (before.name !== record.name) this.#idsByName.delete(before.name)
    }
    this.#idsByName.set(record.name, record.id)
    this.#count(record.state.status, 1)
  }

  #count(status: ContainerStatus['status'], by: number): void {
    this.#counts.set(status, (this.#counts.get(status) ?? 0) + by)
  }
}

function split(record: ContainerRecord): [definition: string, state: string] {
  const { state, restartCount, stoppedByUser, logPath, ...definition } = record
  return [JSON.stringify(definition), JSON.stringify({ state, restartCount, stoppedByUser, logPath })]
}
