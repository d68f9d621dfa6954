import { ConflictError } from '#errors/errors.ts'
import { publishContainerEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import { isAlive } from './state.ts'

/** Resizes a container's terminal. @throws ConflictError when it does not run */
export async function resizeTerminal(
  context: ContainerContext,
  record: ContainerRecord,
  size: { readonly rows: number; readonly columns: number },
): Promise<void> {
  if (!isAlive(record.state)) throw new ConflictError(`container ${record.id} is not running`)
  await context.runtime.resize(record.id, size)
  const attributes = { height: String(size.rows), width: String(size.columns) }
  publishContainerEvent(context.events, record, { action: 'resize', attributes })
}
