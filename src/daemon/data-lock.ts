import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConflictError, messageOf } from '#errors/errors.ts'

/**
 * Holds a data root for this process alone: an exclusive transaction on a database of its own, which the kernel
 * lets go of when the process ends, however it ends.
 * @throws ConflictError when another daemon has it
 */
export function lockDataRoot(dataRoot: string): Disposable {
  mkdirSync(dataRoot, { recursive: true, mode: 0o711 })
  const file = join(dataRoot, '.lock')
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode=DELETE; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (/locked/.test(messageOf(error))) {
      throw new ConflictError(`another wharfd is running on the data root ${dataRoot}`)
    }
    throw error
  }
  return { [Symbol.dispose]: () => lock.close() }
}
