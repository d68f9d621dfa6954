import { closeSync, constants, openSync, readSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { spawnProcess } from '#kernel/processes.ts'
import { watchFd } from '#kernel/readiness.ts'
import { watchProcess } from '#kernel/processes.ts'
import { errnoOf } from '#errors/errors.ts'
import type { Engine } from './oci-engines.ts'
import { RuntimeFailure } from './runtime-failure.ts'

const OTHER = 128

/** What `start` needs of a container that was made and waits. */
export interface WaitingContainer {
  readonly id: string
  readonly pid: number
  readonly engine: Engine
  /** `--root` of the runtime. */
  readonly stateRoot: string
}

/**
 * Lets a container's program run. crun's and runc's `start` do no more than open a FIFO in their state: done here, it
 * costs a tenth of a millisecond and no process.
 * @throws RuntimeFailure when the container has ended meanwhile
 */
export async function startWaiting(container: WaitingContainer): Promise<void> {
  const fifo = join(container.stateRoot, container.id, 'exec.fifo')
  switch (container.engine.waits) {
    case 'reads-fifo':
      return writeFifo(fifo)
    case 'writes-fifo':
      return await readFifo(fifo, container.pid)
    case 'command':
      return await runStart(container)
  }
}

/** crun: the container has the FIFO open and reads a byte. */
function writeFifo(fifo: string): void {
  try {
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK)
    try {
      unlinkSync(fifo)
      writeSync(fd, '0')
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw startFailure(`container process ended before it was started (${errnoOf(error) ?? 'unknown'})`)
  }
}

/** runc: the container opens the FIFO for writing, which waits for a reader, and writes a byte. */
async function readFifo(fifo: string, pid: number): Promise<void> {
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    using main = watchProcess(pid)
    const { promise: readable, resolve } = Promise.withResolvers<boolean>()
    const watch = watchFd(fd, () => resolve(true))
    const isReadable = await Promise.race([readable, main === null ? false : main.exited.then(() => false)])
    watch.close()
    if (!isReadable || readSync(fd, Buffer.alloc(1)) === 0)
      throw startFailure('container process is already dead')
    rmSync(fifo, { force: true })
  } finally {
    closeSync(fd)
  }
}

async function runStart({ engine, stateRoot, id }: WaitingContainer): Promise<void> {
  const child = spawnProcess({
    argv: [engine.path, ...engine.args, `--root=${stateRoot}`, 'start', id],
    env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
  })
  const { exitCode } = await child.exited
  if (exitCode !== 0) throw startFailure(`${engine.name} start: exit status ${String(exitCode)}`)
}

function startFailure(text: string): RuntimeFailure {
  return new RuntimeFailure(
    `failed to start task for container: OCI runtime start failed: ${text}: unknown`,
    {
      exitCode: OTHER,
    },
  )
}
