import { closeSync, fstatSync, openSync } from 'node:fs'
import type { Job } from '../worker/job.ts'
import { nameText } from './tar-entry.ts'
import { walkTree } from './tree-walk.ts'

/** The space below one path, as the file system gives it out. */
export interface MeasuredPath {
  /** From the root that was measured; `''` is that root itself. */
  readonly path: string
  /** Blocks, not lengths: a file with holes takes less, a small one more. */
  readonly bytes: number
  readonly files: number
}

export interface MeasureParameters {
  readonly root: string
  /** How many steps of a path are told apart, by its first step; default 2. */
  readonly depths: Readonly<Record<string, number>>
  /** Paths from the root that other file systems are mounted on: they are left out. */
  readonly mounted: readonly string[]
}

const DEFAULT_DEPTH = 2
/** So many files between two looks at what else the thread has to do. */
const PACE_FILES = 2000

/** Adds up what is below a directory, each file once however many names it has. */
export async function measure(parameters: MeasureParameters, job: Job): Promise<MeasuredPath[]> {
  const sums = new Map<string, { bytes: number; files: number }>()
  const linked = new Set<string>()
  const mounted = new Set(parameters.mounted.map((path) => Buffer.from(path).toString('latin1')))
  const fd = openSync(parameters.root, 'r')
  let seen = 0
  try {
    const own = fstatSync(fd, { bigint: true })
    sums.set('', { bytes: Number(own.blocks) * 512, files: 1 })
    for (const { path, stat } of walkTree(fd, { enters: (directory) => !mounted.has(directory) })) {
      if (++seen % PACE_FILES === 0) {
        await new Promise((resolve) => setImmediate(resolve))
        job.signal.throwIfAborted()
      }
      if (mounted.has(path)) continue
      const steps = path.split('/')
      const key = steps.slice(0, parameters.depths[steps[0] as string] ?? DEFAULT_DEPTH).join('/')
      const sum = sums.get(key) ?? { bytes: 0, files: 0 }
      sums.set(key, sum)
      if (stat.nlink > 1n && !stat.isDirectory()) {
        const inode = `${stat.dev}:${stat.ino}`
        if (linked.has(inode)) continue
        linked.add(inode)
      }
      sum.bytes += Number(stat.blocks) * 512
      sum.files += 1
    }
  } finally {
    closeSync(fd)
  }
  return [...sums].map(([path, sum]) => ({ path: nameText(path), ...sum }))
}
