import { Writable } from 'node:stream'
import { ConflictError } from '#errors/errors.ts'
import type { ContainerAttachOptions } from '#spec/docker/options.ts'
import type { StdioFrame, StdioSession } from '#spec/docker/streams.ts'
import { publishContainerEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import { restarting } from './stopping.ts'
import { isAlive } from './state.ts'
import type { FrameQueue } from './stdio/frame-queue.ts'
import type { StdioHub } from './stdio/stdio-hub.ts'

/** Gives what a container wrote before, from its log; empty when its driver keeps none. */
export type LogReplay = (
  record: ContainerRecord,
  options: ContainerAttachOptions,
) => AsyncIterable<StdioFrame>

/**
 * `POST /containers/{id}/attach`: before the start, nothing of the output is missed after it.
 * @throws ConflictError when the container is paused, or between two runs
 */
export async function attach(
  context: ContainerContext,
  record: ContainerRecord,
  request: { readonly options: ContainerAttachOptions; readonly replay: LogReplay },
): Promise<StdioSession> {
  const { options, replay } = request
  const { id, state, config } = record
  if (state.status === 'paused') {
    throw new ConflictError(`container ${id} is paused, unpause the container before attach`)
  }
  if (state.status === 'restarting') throw restarting(id)
  const live = options.stream && (isAlive(state) || state.status === 'created' || state.status === 'exited')
  const hub = live ? context.stdio.open(id, { live: isAlive(state) }) : null
  const queue = (await hub?.join({ stdout: options.stdout, stderr: options.stderr })) ?? null
  publishContainerEvent(context.events, record, { action: 'attach' })
  let detached = false
  const leave = (): void => {
    if (queue !== null) hub?.leave(queue)
  }
  options.signal.addEventListener('abort', leave, { once: true })
  if (options.signal.aborted) leave()
  return {
    tty: config.Tty === true,
    frames: frames(options.logs ? replay(record, options) : null, queue, leave),
    stdin:
      options.stdin && config.OpenStdin === true && hub !== null
        ? // A terminal's input outlives who types on it: detaching must not hang up.
          stdinOf(hub, config.StdinOnce === true && config.Tty !== true)
        : null,
    detach() {
      if (detached) return
      detached = true
      publishContainerEvent(context.events, record, { action: 'detach' })
      leave()
    },
  }
}

async function* frames(
  before: AsyncIterable<StdioFrame> | null,
  queue: FrameQueue | null,
  leave: () => void,
): AsyncGenerator<StdioFrame> {
  try {
    if (before !== null) yield* before
    if (queue !== null) yield* queue
  } finally {
    leave()
  }
}

function stdinOf(hub: StdioHub, once: boolean): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      hub.write(chunk).then(() => done(), done)
    },
    final(done) {
      if (!once) return done()
      hub.endStdin().then(() => done(), done)
    },
  })
}
