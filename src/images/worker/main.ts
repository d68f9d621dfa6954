/** The worker thread that bytes go through: tar in, tar out. Jobs run side by side, each with a channel of its own. */
import { parentPort } from 'node:worker_threads'
import { BugError } from '#errors/errors.ts'
import { type JobStart, toErrorRecord } from './channel.ts'
import { Job } from './job.ts'
import { JOBS } from './jobs.ts'

if (parentPort === null) throw new BugError('the worker was started as a program')

parentPort.on('message', ({ kind, parameters, port }: JobStart) => {
  const job = new Job(port)
  run(kind, parameters, job).then(
    (value) => job.post({ type: 'done', value }),
    (error: unknown) => job.post({ type: 'failed', error: toErrorRecord(error) }),
  )
})

async function run(kind: string, parameters: unknown, job: Job): Promise<unknown> {
  const load = JOBS[kind]
  if (load === undefined) throw new BugError(`unknown job "${kind}"`)
  const work = await load()
  return await work(parameters, job)
}
