import { closeSync, fdatasync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { DataLossError, messageOf } from '#errors/errors.ts'
import { failpointSync } from '#base/failpoint.ts'

/**
 * The tables of one area: an ordered list of SQL scripts. Script N brings the area from version N to version N + 1;
 * a script that was released is never edited, a change is a new script at the end.
 */
export interface Schema {
  readonly area: string
  readonly migrations: readonly string[]
}

/** The one database of a daemon (SQLite, WAL). All calls are on the calling thread and take microseconds. */
export interface Database {
  /** The statement of this text, prepared once for the life of the database. */
  prepare(sql: string): StatementSync
  /**
   * Runs `work` as one transaction: all of it is visible to later statements, or none when it throws. `work` must
   * not wait. A transaction inside another is a savepoint: an error caught by the outer work undoes the inner only.
   *
   * What was committed survives the death of the process at once, and the loss of power after `durable()`.
   */
  transaction<T>(work: () => T): T
  /**
   * Resolves when everything committed before the call survives the loss of power. Calls that arrive while the disk
   * is busy share the next write to it.
   * @throws Error of fdatasync (EIO, ENOSPC): what was committed may be lost with the power.
   */
  durable(): Promise<void>
  /** Writes the log back into the database file and closes it. Idempotent. */
  close(): void
}

/**
 * Opens (makes, when absent) the database and brings each area to its newest version.
 * @throws DataLossError when the file is no database, is damaged, or was written by a newer Wharf.
 */
export function openDatabase(file: string, schemas: readonly Schema[]): Database {
  mkdirSync(dirname(file), { recursive: true, mode: 0o710 })
  let connection: DatabaseSync | null = null
  try {
    connection = new DatabaseSync(file, { timeout: 5000 })
    // NORMAL leaves the log unsynced at commit: durable() syncs it once for many commits. SQLite itself still syncs
    // the log before a checkpoint and the database after it, so the file is never torn.
    connection.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON')
    migrate(connection, schemas)
    return new SqliteDatabase(connection, file)
  } catch (error) {
    connection?.close()
    if (error instanceof DataLossError) throw error
    throw new DataLossError(`open database "${file}": ${messageOf(error)}`, { cause: error })
  }
}

function migrate(connection: DatabaseSync, schemas: readonly Schema[]): void {
  connection.exec(
    'CREATE TABLE IF NOT EXISTS schema_versions (area TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT',
  )
  const versionOf = connection.prepare('SELECT version FROM schema_versions WHERE area = ?')
  const record = connection.prepare(
    'INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT(area) DO UPDATE SET version = excluded.version',
  )
  for (const { area, migrations } of schemas) {
    const version = Number(versionOf.get(area)?.['version'] ?? 0)
    if (version > migrations.length) {
      throw new DataLossError(
        `the state of "${area}" has version ${version}, newer than ${migrations.length}: use the Wharf that wrote it`,
      )
    }
    for (const [index, script] of migrations.entries()) {
      if (index < version) continue
      connection.exec('BEGIN IMMEDIATE')
      try {
        connection.exec(script)
        record.run(area, index + 1)
        failpointSync('store.migrate.before-commit')
        connection.exec('COMMIT')
      } catch (error) {
        connection.exec('ROLLBACK')
        throw error
      }
    }
  }
}

class SqliteDatabase implements Database {
  readonly #connection: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #logFd: number
  #depth = 0
  #open = true
  #syncing: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(connection: DatabaseSync, file: string) {
    this.#connection = connection
    // The first read after opening in WAL mode makes the log file.
    connection.prepare('SELECT count(*) FROM schema_versions').get()
    this.#logFd = openSync(`${file}-wal`, 'r')
    const directory = openSync(dirname(file), 'r')
    fsyncSync(directory)
    closeSync(directory)
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#connection.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  transaction<T>(work: () => T): T {
    const savepoint = this.#depth === 0 ? null : `s${this.#depth}`
    this.#connection.exec(savepoint === null ? 'BEGIN IMMEDIATE' : `SAVEPOINT ${savepoint}`)
    this.#depth += 1
    try {
      const result = work()
      if (result instanceof Promise) throw new TypeError('a transaction must not wait')
      this.#connection.exec(savepoint === null ? 'COMMIT' : `RELEASE ${savepoint}`)
      return result
    } catch (error) {
      // A full disk makes SQLite roll back by itself; then there is nothing left to roll back.
      if (this.#connection.isTransaction) {
        this.#connection.exec(
          savepoint === null ? 'ROLLBACK' : `ROLLBACK TO ${savepoint}; RELEASE ${savepoint}`,
        )
      }
      throw error
    } finally {
      this.#depth -= 1
    }
  }

  durable(): Promise<void> {
    if (this.#syncing === null) return this.#sync()
    // The write under way may have begun before the caller's commit: wait for one that begins after it.
    this.#next ??= this.#syncing.then(
      () => this.#sync(),
      () => this.#sync(),
    )
    return this.#next
  }

  #sync(): Promise<void> {
    this.#next = null
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#syncing = promise
    if (!this.#open) resolve()
    else fdatasync(this.#logFd, (error) => (error === null ? resolve() : reject(error)))
    const done = (): void => {
      if (this.#syncing === promise) this.#syncing = null
    }
    promise.then(done, done)
    return promise
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#statements.clear()
    this.#connection.close()
    const close = (): void => closeSync(this.#logFd)
    if (this.#syncing === null) close()
    else this.#syncing.then(close, close)
  }
}
