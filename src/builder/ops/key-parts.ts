import { createHash } from 'node:crypto'
import type { KeyParts } from '../solver/vertex.ts'

/** The part that stands for what a step starts from. */
export const BEFORE = 'the step before'
/** The part that stands for the files a step takes. */
export const FILES = 'files'
/** Begins the names of parts that are files. */
export const FILE_PREFIX = 'file '
/** How many files of a step are told apart; a change of the others is told without a name. */
const MAX_FILES = 5_000

/** Parts of a key as they are kept: no values, since there may be secrets among them. */
export function keyParts(
  parts: Readonly<Record<string, string>>,
  files: ReadonlyMap<string, string> = new Map(),
): KeyParts {
  const out = new Map(Object.entries(parts).map(([name, text]) => [name, shortDigest(text)]))
  for (const [name, digest] of files) {
    if (out.size >= MAX_FILES) break
    out.set(FILE_PREFIX + name, digest.slice(0, 16))
  }
  return out
}

function shortDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
