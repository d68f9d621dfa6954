import type { Job } from '../worker/job.ts'
import { inflate } from './inflate.ts'

/** Sends back, uncompressed, what it is sent. */
export async function inflateStream(_parameters: unknown, job: Job): Promise<void> {
  // A piece that is sent to another thread is gone here: it must be a copy.
  await inflate(job.input(), 'detect', (bytes) => job.output(new Uint8Array(bytes)))
}
