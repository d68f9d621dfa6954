import { epollCreate, epollCtl, epollWait, loopPoll, type LoopPoll } from './native/native.ts'

/**
 * Readiness of any file descriptor in Node's event loop: pidfds, FIFOs, seqpacket sockets, cgroup event files.
 *
 * One epoll(7) set holds them all; libuv watches that one fd. It costs no thread and nothing while idle. Works in
 * the main thread only.
 */
export type ReadinessEvent = 'readable' | 'writable' | 'priority'

/** A watch that goes on until it is closed. Close it before the fd is closed. */
export interface FdWatch {
  close(): void
}

const EPOLL_EVENTS: Readonly<Record<ReadinessEvent, number>> = { readable: 0x1, priority: 0x2, writable: 0x4 }
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16
const DATA_OFFSET = process.arch === 'x64' ? 4 : 8
const BATCH = 64
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2

const watches = new Map<
  number,
  { readonly token: number; readonly ready: () => void; readonly keepAlive: boolean }
>()
const events = Buffer.alloc(BATCH * EVENT_BYTES)
let epollFd = -1
let poll: LoopPoll | null = null
let nextToken = 1
let draining = false
let alive = 0

/**
 * Calls `ready` whenever the fd is ready (level-triggered: it must consume what is there or close the watch), from
 * the event loop, never from inside this call. An error or a hang-up counts as ready.
 * @param options.keepAlive false lets the process end while this watch is open
 * @throws KernelError EPERM for a regular file, EEXIST if the fd is watched already
 */
export function watchFd(
  fd: number,
  ready: () => void,
  options: { readonly event?: ReadinessEvent; readonly keepAlive?: boolean } = {},
): FdWatch {
  if (poll === null) {
    epollFd = epollCreate()
    poll = loopPoll(epollFd, scheduleDrain)
  }
  const token = nextToken++
  const event = Buffer.alloc(EVENT_BYTES)
  event.writeUInt32LE(EPOLL_EVENTS[options.event ?? 'readable'], 0)
  // The token tells a late event of a closed fd from one of a new watch that got the same number.
  event.writeInt32LE(fd, DATA_OFFSET)
  event.writeInt32LE(token, DATA_OFFSET + 4)
  epollCtl(epollFd, EPOLL_CTL_ADD, fd, event)
  const keepAlive = options.keepAlive ?? true
  watches.set(fd, { token, ready, keepAlive })
  if (keepAlive && ++alive === 1) poll.ref(true)
  return {
    close() {
      if (watches.get(fd)?.token !== token) return
      watches.delete(fd)
      epollCtl(epollFd, EPOLL_CTL_DEL, fd, null)
      if (keepAlive && --alive === 0) poll?.ref(false)
    },
  }
}

/** Resolves when the fd is ready once. The caller keeps the fd open until then. */
export function whenReady(
  fd: number,
  options: { readonly event?: ReadinessEvent; readonly keepAlive?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    const watch = watchFd(
      fd,
      () => {
        watch.close()
        resolve()
      },
      options,
    )
  })
}

/** libuv calls from outside of any JavaScript frame, where promises would not run on: an immediate is a frame. */
function scheduleDrain(): void {
  if (draining) return
  draining = true
  setImmediate(drain)
}

function drain(): void {
  draining = false
  const count = epollWait(epollFd, events, BATCH)
  const ready: { fd: number; token: number }[] = []
  for (let index = 0; index < count; index++) {
    const at = index * EVENT_BYTES + DATA_OFFSET
    ready.push({ fd: events.readInt32LE(at), token: events.readInt32LE(at + 4) })
  }
  for (const { fd, token } of ready) {
    const watch = watches.get(fd)
    if (watch?.token === token) watch.ready()
  }
}
