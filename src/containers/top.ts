import { ConflictError } from '#errors/errors.ts'
import type { ContainerTopResponse } from '#spec/docker/container.ts'
import type { ContainerContext } from './context.ts'
import { publishContainerEvent } from './container-events.ts'
import { isAlive } from './state.ts'
import { restarting } from './stopping.ts'

/** `GET /containers/{id}/top`. @throws ConflictError when the container does not run */
export async function containerTop(
  context: ContainerContext,
  reference: string,
  psArguments: string,
): Promise<ContainerTopResponse> {
  const record = context.records.resolve(reference)
  const { id, state } = record
  if (state.status === 'restarting') throw restarting(id)
  if (!isAlive(state)) throw new ConflictError(`container ${id} is not running`)
  const { titles, rows } = await context.runtime.top(id, psArguments === '' ? '-ef' : psArguments)
  publishContainerEvent(context.events, record, { action: 'top' })
  return { Titles: titles, Processes: rows }
}
