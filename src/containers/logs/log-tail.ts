import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { errnoOf } from '#errors/errors.ts'

const BLOCK_BYTES = 64 * 1024

/** Where reading begins. */
export interface LogStart {
  readonly path: string
  /** Of the uncompressed bytes. */
  readonly offsetBytes: number
}

/** The content of a log file, uncompressed, from an offset. */
export async function* logBytes(start: LogStart): AsyncGenerator<Buffer> {
  if (!start.path.endsWith('.gz')) {
    yield* createReadStream(start.path, {
      start: start.offsetBytes,
      highWaterMark: 256 * 1024,
    }) as AsyncIterable<Buffer>
    return
  }
  let skip = start.offsetBytes
  const content = createGunzip()
  // An error of the file reaches the reader of the content.
  pipeline(createReadStream(start.path), content, () => {})
  for await (const chunk of content as AsyncIterable<Buffer>) {
    const rest = chunk.subarray(Math.min(skip, chunk.length))
    skip -= chunk.length - rest.length
    if (rest.length > 0) yield rest
  }
}

/**
 * The files to read, and from where, for the last `lines` lines (null: all). Files are named oldest first; those that
 * are not there are left out. The cost is that of the lines wanted, unless they reach into compressed files.
 */
export async function findTail(files: readonly string[], lines: number | null): Promise<readonly LogStart[]> {
  const starts: LogStart[] = []
  let wanted = lines
  for (const path of files.toReversed()) {
    if (wanted !== null && wanted <= 0) break
    try {
      const found = wanted === null ? { offsetBytes: 0, lines: 0 } : await tailOf(path, wanted)
      if (wanted === null) await (await open(path)).close()
      else wanted -= found.lines
      starts.unshift({ path, offsetBytes: found.offsetBytes })
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }
  return starts
}

async function tailOf(path: string, wanted: number): Promise<{ offsetBytes: number; lines: number }> {
  return path.endsWith('.gz') ? await tailOfStream(path, wanted) : await tailOfFile(path, wanted)
}

async function tailOfFile(path: string, wanted: number): Promise<{ offsetBytes: number; lines: number }> {
  const file = await open(path)
  try {
    let end = (await file.stat()).size
    let lines = 0
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    let isLast = true
    while (end > 0) {
      const from = Math.max(0, end - BLOCK_BYTES)
      await file.read(block, 0, end - from, from)
      let at = end - from
      // The newline that ends the last line begins no further line.
      if (isLast && block[at - 1] === 0x0a) at -= 1
      isLast = false
      for (;;) {
        const newline = at <= 0 ? -1 : block.lastIndexOf(0x0a, at - 1)
        if (newline < 0) break
        lines += 1
        if (lines === wanted) return { offsetBytes: from + newline + 1, lines }
        at = newline
      }
      end = from
    }
    return { offsetBytes: 0, lines: isLast ? 0 : lines + 1 }
  } finally {
    await file.close()
  }
}

async function tailOfStream(path: string, wanted: number): Promise<{ offsetBytes: number; lines: number }> {
  /** The offsets of the last lines' beginnings. */
  const begins: number[] = [0]
  let offset = 0
  for await (const chunk of logBytes({ path, offsetBytes: 0 })) {
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) begins.push(offset + at + 1)
    offset += chunk.length
    if (begins.length > wanted * 2 + 1024) begins.splice(0, begins.length - wanted - 1)
  }
  // What begins at the end of the file is no line.
  if (begins.at(-1) === offset) begins.pop()
  const lines = Math.min(wanted, begins.length)
  return { offsetBytes: begins[begins.length - lines] ?? 0, lines }
}
