import type { ContainerWaitResponse } from '#spec/docker/container.ts'
import type { WaitCondition } from '#spec/docker/options.ts'

interface Waiter {
  readonly condition: WaitCondition
  resolve(response: ContainerWaitResponse): void
}

/** Who waits for containers to end or to be gone. Nothing is kept for a container that nobody waits for. */
export class Waiters {
  readonly #byContainer = new Map<string, Set<Waiter>>()

  /** Registers at once; the promise never settles when the signal aborts, and nothing is kept then. */
  add(id: string, condition: WaitCondition, signal: AbortSignal): Promise<ContainerWaitResponse> {
    const { promise, resolve } = Promise.withResolvers<ContainerWaitResponse>()
    const waiters = this.#byContainer.get(id) ?? new Set()
    const waiter: Waiter = { condition, resolve }
    this.#byContainer.set(id, waiters.add(waiter))
    signal.addEventListener('abort', () => this.#forget(id, waiter), { once: true })
    return promise
  }

  /** The container's process has ended. */
  exited(id: string, response: ContainerWaitResponse): void {
    this.#tell(id, response, (condition) => condition !== 'removed')
  }

  /** The container is gone, for every client. */
  removed(id: string, response: ContainerWaitResponse): void {
    this.#tell(id, response, () => true)
  }

  #tell(id: string, response: ContainerWaitResponse, fits: (condition: WaitCondition) => boolean): void {
    for (const waiter of this.#byContainer.get(id) ?? []) {
      if (!fits(waiter.condition)) continue
      waiter.resolve(response)
      this.#forget(id, waiter)
    }
  }

  #forget(id: string, waiter: Waiter): void {
    const waiters = this.#byContainer.get(id)
    waiters?.delete(waiter)
    if (waiters?.size === 0) this.#byContainer.delete(id)
  }
}
