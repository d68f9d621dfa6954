import type { Readable } from 'node:stream'
import type { Archives, ExtractOptions, PathStat } from './archive.ts'
import type { WorkerPool } from './worker/worker-pool.ts'

/** Archives of mounted roots, made and taken apart on worker threads. */
export function createArchives(workers: WorkerPool): Archives {
  const stat = (root: string, path: string): Promise<PathStat> =>
    workers.run<PathStat>('archive-stat', { root, path })
  return {
    stat,
    async read(root, path, { ids = null, ...options } = {}): Promise<{ stat: PathStat; tar: Readable }> {
      const found = await stat(root, path)
      return { stat: found, tar: workers.stream('archive-read', { root, path, ids }, options) }
    },
    async extract(root, path, tar, options: ExtractOptions = {}): Promise<void> {
      const { owner = null, ids = null, noOverwriteDirNonDir = false, signal } = options
      await workers.run(
        'archive-extract',
        { root, path, owner, ids, noOverwriteDirNonDir },
        { input: tar, signal },
      )
    },
    export: (root, { ids = null, ...options } = {}) =>
      workers.stream('archive-export', { root, ids }, options),
  }
}
