import { randomInt } from 'node:crypto'
import { InvalidArgumentError } from '#errors/errors.ts'
import { adjectives, surnames } from './name-words.ts'

const PATTERN = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** The name without its slash. @throws InvalidArgumentError in Docker's words when it may not be a name. */
export function parseName(text: string): string {
  const name = text.startsWith('/') ? text.slice(1) : text
  if (!PATTERN.test(name)) {
    throw new InvalidArgumentError(
      `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    )
  }
  return name
}

/**
 * A free name of the form adjective_surname. After some tries a digit is added, then the id itself is the name.
 * `isFree` is asked for each.
 */
export function generateName(id: string, isFree: (name: string) => boolean): string {
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const suffix = attempt < 4 ? '' : String(randomInt(10))
    const name = `${pick(adjectives)}_${pick(surnames)}${suffix}`
    if (isFree(name)) return name
  }
  return id.slice(0, 12)
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] as string
}
