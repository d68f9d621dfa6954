import type { Database, Schema } from '#store/database.ts'

/** The tables of volumes. */
export const volumeSchemas: readonly Schema[] = [
  {
    area: 'volumes',
    migrations: [
      `CREATE TABLE volumes (
         name TEXT PRIMARY KEY,
         driver TEXT NOT NULL,
         options TEXT NOT NULL,
         labels TEXT NOT NULL,
         created_at TEXT NOT NULL,
         anonymous INTEGER NOT NULL,
         removing INTEGER NOT NULL DEFAULT 0
       ) STRICT;
       CREATE TABLE volume_users (
         volume TEXT NOT NULL,
         container TEXT NOT NULL,
         PRIMARY KEY (volume, container)
       ) STRICT, WITHOUT ROWID;
       CREATE TABLE volume_mounts (
         volume TEXT NOT NULL,
         container TEXT NOT NULL,
         PRIMARY KEY (volume, container)
       ) STRICT, WITHOUT ROWID;`,
    ],
  },
]

export interface VolumeRecord {
  readonly name: string
  readonly driver: string
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339, seconds. */
  readonly createdAt: string
  readonly anonymous: boolean
  /** Its removal has begun and will be finished, if need be at the next start. */
  readonly removing: boolean
}

type Relation = 'volume_users' | 'volume_mounts'

/** The rows of volumes, of who uses them, and of who has them mounted. */
export class VolumeStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  all(): VolumeRecord[] {
    return this.#database.prepare('SELECT * FROM volumes ORDER BY name').all().map(recordOf)
  }

  find(name: string): VolumeRecord | null {
    const row = this.#database.prepare('SELECT * FROM volumes WHERE name = ?').get(name)
    return row === undefined ? null : recordOf(row)
  }

  insert(record: VolumeRecord): void {
    this.#database
      .prepare(
        'INSERT INTO volumes (name, driver, options, labels, created_at, anonymous) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(
        record.name,
        record.driver,
        JSON.stringify(record.options),
        JSON.stringify(record.labels),
        record.createdAt,
        record.anonymous ? 1 : 0,
      )
  }

  markRemoving(name: string): void {
    this.#database.prepare('UPDATE volumes SET removing = 1 WHERE name = ?').run(name)
  }

  delete(name: string): void {
    this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM volumes WHERE name = ?').run(name)
      this.#database.prepare('DELETE FROM volume_users WHERE volume = ?').run(name)
      this.#database.prepare('DELETE FROM volume_mounts WHERE volume = ?').run(name)
    })
  }

  relate(relation: Relation, name: string, container: string): void {
    this.#database.prepare(`INSERT OR IGNORE INTO ${relation} VALUES (?, ?)`).run(name, container)
  }

  unrelate(relation: Relation, name: string, container: string): void {
    this.#database.prepare(`DELETE FROM ${relation} WHERE volume = ? AND container = ?`).run(name, container)
  }

  related(relation: Relation, name: string): string[] {
    const rows = this.#database.prepare(`SELECT container FROM ${relation} WHERE volume = ?`).all(name)
    return rows.map((row) => String(row['container']))
  }

  /** The number of users of every volume that has any. */
  userCounts(): ReadonlyMap<string, number> {
    const rows = this.#database
      .prepare('SELECT volume, count(*) AS users FROM volume_users GROUP BY volume')
      .all()
    return new Map(rows.map((row) => [String(row['volume']), Number(row['users'])]))
  }

  /** All that is mounted: volume and container. */
  mounts(): { readonly volume: string; readonly container: string }[] {
    const rows = this.#database.prepare('SELECT volume, container FROM volume_mounts').all()
    return rows.map((row) => ({ volume: String(row['volume']), container: String(row['container']) }))
  }

  durable(): Promise<void> {
    return this.#database.durable()
  }
}

function recordOf(row: Record<string, unknown>): VolumeRecord {
  return {
    name: String(row['name']),
    driver: String(row['driver']),
    options: JSON.parse(String(row['options'])) as Record<string, string>,
    labels: JSON.parse(String(row['labels'])) as Record<string, string>,
    createdAt: String(row['created_at']),
    anonymous: row['anonymous'] === 1,
    removing: row['removing'] === 1,
  }
}
