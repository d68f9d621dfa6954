import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The id of this data root (`docker info`), made at its first use. */
export function daemonId(dataRoot: string): string {
  const file = join(dataRoot, 'engine-id')
  try {
    const id = readFileSync(file, 'utf8').trim()
    if (id !== '') return id
  } catch {
    // The first start.
  }
  const id = randomUUID()
  writeFileSync(file, id, { mode: 0o600 })
  return id
}
