import type { LogReplay } from '../attach.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerContext } from '../context.ts'
import { readFile } from 'node:fs/promises'
import { spoolEntries } from './spool-lines.ts'

/** What a container wrote so far, for `attach` with `logs=1`. */
export function replayLogs(context: ContainerContext): LogReplay {
  return async function* (record, options) {
    const bytes = await readFile(containerPaths(context.directory, record.id).spool).catch(() =>
      Buffer.alloc(0),
    )
    for (const { stream, partial, content } of spoolEntries(bytes)) {
      if (options[stream])
        yield { stream, bytes: partial ? content : Buffer.concat([content, Buffer.from('\n')]) }
    }
  }
}
