import type { Job } from './job.ts'

type Work = (parameters: unknown, job: Job) => Promise<unknown>

/** The jobs by name, each loaded when it is first asked for: few need the native library. */
export const JOBS: Readonly<Record<string, () => Promise<Work>>> = {
  ingest: async () => (await import('../layers/ingest-job.ts')).ingest as Work,
  inflate: async () => (await import('../layers/inflate-job.ts')).inflateStream as Work,
  commit: async () => (await import('../layers/upper-jobs.ts')).commit as Work,
  'changes-tar': async () => (await import('../layers/upper-jobs.ts')).changesTar as Work,
  changes: async () => (await import('../layers/upper-jobs.ts')).changes as Work,
  'copy-layers': async () => (await import('../layers/copy-job.ts')).copyLayers as Work,
  'stack-subvolume': async () => (await import('../layers/subvolume-jobs.ts')).stackSubvolume as Work,
  'snapshot-subvolume': async () => (await import('../layers/subvolume-jobs.ts')).snapshotForWriting as Work,
  'remove-subvolume': async () => (await import('../layers/subvolume-jobs.ts')).removeSubvolume as Work,
  'list-layer': async () => (await import('../layers/list-job.ts')).listLayer as Work,
  'verify-layer': async () => (await import('../layers/verify-job.ts')).verifyLayer as Work,
  'digest-file': async () => (await import('../layers/verify-job.ts')).digestFile as Work,
  measure: async () => (await import('../layers/measure-job.ts')).measure as Work,
  usage: async () => (await import('../layers/upper-jobs.ts')).usage as Work,
  'archive-stat': async () => (await import('../layers/archive-jobs.ts')).stat as Work,
  'archive-read': async () => (await import('../layers/archive-jobs.ts')).read as Work,
  'archive-extract': async () => (await import('../layers/archive-jobs.ts')).extract as Work,
  'archive-export': async () => (await import('../layers/archive-jobs.ts')).exportRoot as Work,
}
