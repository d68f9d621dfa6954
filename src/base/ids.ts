import { randomBytes } from 'node:crypto'

/** The length of the short form of an id that Docker prints. */
const SHORT_LENGTH = 12

/** Makes a new id in Docker's form: 64 lower-case hexadecimal characters from the kernel's random source. */
export function newId(): string {
  for (;;) {
    const id = randomBytes(32).toString('hex')
    // An all-digit short id could be read as a number (a pid, a port) by tools: Docker avoids them too.
    if (!/^\d+$/.test(id.slice(0, SHORT_LENGTH))) return id
  }
}

/** The first 12 characters of an id or of a digest's hexadecimal part, as `docker ps` prints it. */
export function shortId(id: string): string {
  const colon = id.indexOf(':')
  return id.slice(colon + 1, colon + 1 + SHORT_LENGTH)
}
