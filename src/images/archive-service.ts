import type { Readable } from 'node:stream'
import type { Archives, ExtractOptions, PathStat, RootView } from './archive.ts'
import type { WorkerPool } from './worker/worker-pool.ts'

/** Archives of mounted roots, made and taken apart on worker threads. */
export function createArchives(workers: WorkerPool): Archives {
  const stat = (view: string | RootView, path: string): Promise<PathStat> =>
    workers.run<PathStat>('archive-stat', { ...inFull(view), path })
  return {
    stat,
    async read(view, path, { ids = null, ...options } = {}): Promise<{ stat: PathStat; tar: Readable }> {
      const found = await stat(view, path)
      return { stat: found, tar: workers.stream('archive-read', { ...inFull(view), path, ids }, options) }
    },
    async extract(view, path, tar, options: ExtractOptions = {}): Promise<void> {
      const { owner = null, ids = null, noOverwriteDirNonDir = false, signal } = options
      await workers.run(
        'archive-extract',
        { ...inFull(view), path, owner, ids, noOverwriteDirNonDir },
        { input: tar, signal },
      )
    },
    inflated: (source, options = {}) => workers.stream('inflate', null, { ...options, input: source }),
    export: (root, { ids = null, ...options } = {}) =>
      workers.stream('archive-export', { root, ids }, options),
  }
}

function inFull(view: string | RootView): Required<RootView> {
  return typeof view === 'string'
    ? { root: view, mounts: [] }
    : { root: view.root, mounts: view.mounts ?? [] }
}
