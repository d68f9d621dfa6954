import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { DatabaseSync } from 'node:sqlite'
import { DataLossError } from '#errors/errors.ts'
import { openDatabase } from './database.ts'

const PETS = { area: 'pets', migrations: ['CREATE TABLE pets (name TEXT PRIMARY KEY) STRICT'] }

describe('openDatabase()', () => {
  let directory = ''
  let file = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'w-db-'))
    file = join(directory, 'sub/wharf.db')
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  test('runs each migration of each area once', () => {
    openDatabase(file, [PETS]).close()
    const newer = {
      area: 'pets',
      migrations: [...PETS.migrations, 'ALTER TABLE pets ADD COLUMN age INTEGER'],
    }
    const other = { area: 'tools', migrations: ['CREATE TABLE tools (id INTEGER PRIMARY KEY) STRICT'] }
    for (let i = 0; i < 2; i++) {
      const database = openDatabase(file, [newer, other])
      database.prepare('INSERT INTO pets VALUES (?, ?)').run(`cat ${i}`, i)
      database.close()
    }
    const database = openDatabase(file, [newer, other])
    assert.equal(database.prepare('SELECT count(*) AS n FROM pets').get()?.['n'], 2)
    database.close()
  })

  test('undoes a migration that fails, and says which file', () => {
    openDatabase(file, [PETS]).close()
    const broken = { area: 'pets', migrations: [...PETS.migrations, 'CREATE TABLE half (x); NO SQL'] }
    assert.throws(
      () => openDatabase(file, [broken]),
      (error: Error) => error instanceof DataLossError && error.message.includes(file),
    )
    const database = openDatabase(file, [PETS])
    assert.equal(
      database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'half'").get()?.['n'],
      0,
    )
    database.close()
  })

  test('refuses the state of a newer Wharf, and what is no database', () => {
    openDatabase(file, [{ area: 'pets', migrations: ['CREATE TABLE a (x)', 'CREATE TABLE b (x)'] }]).close()
    assert.throws(() => openDatabase(file, [PETS]), /newer/)
    writeFileSync(join(directory, 'text'), 'no database'.repeat(1000))
    assert.throws(() => openDatabase(join(directory, 'text'), [PETS]), DataLossError)
  })

  test('transaction() is all or nothing, inside another too', () => {
    const database = openDatabase(file, [PETS])
    const insert = database.prepare('INSERT INTO pets VALUES (?)')
    assert.equal(database.prepare('INSERT INTO pets VALUES (?)'), insert)
    assert.throws(() => database.transaction(() => (insert.run('lost'), insert.run('lost'))))
    database.transaction(() => {
      insert.run('kept')
      assert.throws(() => database.transaction(() => (insert.run('inner'), insert.run('inner'))))
      database.transaction(() => insert.run('nested'))
    })
    const names = database
      .prepare('SELECT name FROM pets ORDER BY name')
      .all()
      .map((row) => row['name'])
    assert.deepEqual(names, ['kept', 'nested'])
    assert.throws(() => database.transaction(async () => {}), /must not wait/)
    database.close()
  })

  test('durable() writes out what was committed, many calls at a time', async () => {
    const database = openDatabase(file, [PETS])
    const insert = database.prepare('INSERT INTO pets VALUES (?)')
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => {
        insert.run(`pet ${i}`)
        return database.durable()
      }),
    )
    // Another connection reads it from the log while this one is open.
    const other = new DatabaseSync(file, { readOnly: true })
    assert.equal(other.prepare('SELECT count(*) AS n FROM pets').get()?.['n'], 50)
    other.close()
    database.close()
    database.close()
    await database.durable()
  })
})
