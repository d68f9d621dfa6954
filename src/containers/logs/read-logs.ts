import { open } from 'node:fs/promises'
import { errnoOf } from '#errors/errors.ts'
import type { ContainerLogsOptions } from '#spec/docker/options.ts'
import type { LogStream } from '#spec/docker/streams.ts'
import { stdcopyFrame } from '#spec/docker/stdcopy.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'
import { spoolEntries } from './spool-lines.ts'

/** `GET /containers/{id}/logs`. */
export async function readLogs(
  context: ContainerContext,
  record: ContainerRecord,
  options: ContainerLogsOptions,
): Promise<LogStream> {
  const tty = record.config.Tty === true
  return { tty, chunks: chunksOf(containerPaths(context.directory, record.id).spool, tty, options) }
}

async function* chunksOf(
  path: string,
  tty: boolean,
  options: ContainerLogsOptions,
): AsyncGenerator<Uint8Array> {
  let file
  try {
    file = await open(path)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return
    throw error
  }
  try {
    const bytes = await file.readFile()
    for (const entry of spoolEntries(bytes)) {
      if (!options[entry.stream]) continue
      const text = entry.partial ? entry.content : Buffer.concat([entry.content, Buffer.from('\n')])
      yield tty ? text : stdcopyFrame(entry.stream, text)
    }
  } finally {
    await file.close()
  }
}
