import { createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { messageOf } from '#errors/errors.ts'
import type { Context } from './context.ts'
import { humanSize } from '../format/units.ts'
import { ExitError } from './exit.ts'
import type { Output } from './output.ts'
import { TransferRates } from './transfer-rate.ts'

const TOLD_EVERY_MS = 200

/** Where a stream goes. `what` names the action in errors. */
export interface SaveOptions {
  /** A file; '' is stdout, which must not be a terminal. */
  readonly output: string
  readonly what: string
  open(): Promise<AsyncIterable<Buffer>>
}

/** Writes a stream to a file (complete or not at all) or to stdout. */
export async function saveStream(context: Context, { output, what, open }: SaveOptions): Promise<void> {
  if (output === '') {
    if (context.out.isTty)
      throw new ExitError(1, 'cowardly refusing to save to a terminal. Use the -o flag or redirect')
    for await (const chunk of await open()) context.out.write(chunk)
    return
  }
  checkTarget(output, what)
  const stream = await open()
  const temporary = `${output}.tmp-${process.pid}`
  try {
    await pipeline(counted(stream, context.err), createWriteStream(temporary, { mode: 0o600 }))
    renameSync(temporary, output)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new ExitError(1, messageOf(error))
  }
}

/** Passes a stream on and tells, on a terminal, how much has come and how fast. */
async function* counted(stream: AsyncIterable<Buffer>, err: Output): AsyncGenerator<Buffer> {
  if (!err.isTty) return yield* stream
  const rates = new TransferRates()
  let bytes = 0
  let toldMs = 0
  try {
    for await (const chunk of stream) {
      yield chunk
      bytes += chunk.length
      if (performance.now() - toldMs < TOLD_EVERY_MS) continue
      toldMs = performance.now()
      err.write(`\r\x1b[K${humanSize(bytes, 3)}${rates.text('', { bytes, totalBytes: 0 })}`)
    }
  } finally {
    err.write('\r\x1b[K')
  }
}

function checkTarget(output: string, what: string): void {
  const folder = dirname(output)
  if (!existsSync(folder))
    throw new ExitError(
      1,
      `failed to ${what}: invalid output path: stat ${folder}: no such file or directory`,
    )
  if (existsSync(output) && statSync(output).isDirectory()) {
    throw new ExitError(1, `failed to ${what}: invalid output path: "${output}" must be a regular file`)
  }
}
