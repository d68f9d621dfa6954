/**
 * One entry of conmon's log (CRI format): `2026-01-02T03:04:05.123456789+00:00 stdout F text`. A long line is cut into
 * parts, `P` for all but the last.
 */
export interface SpoolEntry {
  /** The time as it is written, the zone at its end. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  readonly partial: boolean
  /** Without the newline that ends a full line. */
  readonly content: Buffer
}

const NEWLINE = 0x0a
const SPACE = 0x20

/**
 * The entries in the bytes, and how many bytes they took; an unfinished line at the end is left. Lines that are none
 * of conmon's are skipped.
 */
export function* spoolEntries(bytes: Buffer): Generator<SpoolEntry, number> {
  let at = 0
  for (;;) {
    const end = bytes.indexOf(NEWLINE, at)
    if (end < 0) return at
    const entry = parseEntry(bytes.subarray(at, end))
    if (entry !== null) yield entry
    at = end + 1
  }
}

/** One line of conmon's log without its newline; null when it is none. */
export function parseEntry(line: Buffer): SpoolEntry | null {
  const space = line.indexOf(SPACE)
  // `stdout` and `stderr` are equally long: the flag and the text are at fixed places behind the time.
  if (space < 20 || line.length < space + 10) return null
  const stream = line[space + 4] === 0x6f /* o */ ? 'stdout' : 'stderr'
  return {
    time: line.toString('latin1', 0, space),
    stream,
    partial: line[space + 8] === 0x50 /* P */,
    content: line.subarray(space + 10),
  }
}
