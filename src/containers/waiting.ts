import type { ContainerWaitResponse } from '#spec/docker/container.ts'
import type { Cancellable, WaitCondition } from '#spec/docker/options.ts'
import type { ContainerContext } from './context.ts'
import { exitCodeOf, isRunning } from './state.ts'

/**
 * `POST /containers/{id}/wait`: who waits is registered when this returns. `not-running` is true at once of a container
 * that does not run; `next-exit` and `removed` wait in any case.
 * @throws NotFoundError
 */
export function waitFor(
  context: ContainerContext,
  reference: string,
  options: Cancellable & { readonly condition: WaitCondition },
): { readonly result: Promise<ContainerWaitResponse> } {
  const { id, state } = context.records.resolve(reference)
  if (options.condition === 'not-running' && !isRunning(state)) {
    return { result: Promise.resolve({ StatusCode: exitCodeOf(state) }) }
  }
  return { result: context.waiters.add(id, options.condition, options.signal) }
}
