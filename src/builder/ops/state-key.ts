import { createHash } from 'node:crypto'
import type { BuildState } from '../state.ts'

/** A digest of a state: its layers and configuration, not its history nor its times. */
export function stateKey(state: BuildState): string {
  const { layers, config, author, args, platform, commandSet } = state
  return createHash('sha256')
    .update(JSON.stringify([layers, sorted(config), author, [...args].sort(), platform, commandSet]))
    .digest('hex')
}

/** The same value with the keys of its objects in order, so that equal values make equal text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]))
}
