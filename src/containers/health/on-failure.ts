import type { Logger } from '#base/logger.ts'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import type { ContainerRecord } from '../records.ts'
import type { Stopping } from '../stopping.ts'

/** The label behind `--health-on-failure`: what to do with a container that became unhealthy. Docker has no such thing. */
export const ON_FAILURE_LABEL = 'wharf.health-on-failure'

const ACTIONS = ['none', 'kill', 'restart', 'stop'] as const
type Action = (typeof ACTIONS)[number]

/** @throws InvalidArgumentError for a word that is none of the actions */
export function checkOnFailure(labels: Readonly<Record<string, string>>): void {
  const value = labels[ON_FAILURE_LABEL]
  if (value !== undefined && !ACTIONS.some((action) => action === value)) {
    throw new InvalidArgumentError(
      `invalid ${ON_FAILURE_LABEL} "${value}": use one of 'none', 'kill', 'restart' or 'stop'`,
    )
  }
}

/** Does what the container asks for when it is unhealthy. Never throws. */
export async function actOnFailure(
  record: ContainerRecord,
  services: { stopping: Stopping; logger: Logger },
): Promise<void> {
  const { stopping, logger } = services
  const action = (record.config.Labels?.[ON_FAILURE_LABEL] ?? 'none') as Action
  try {
    if (action === 'kill') await stopping.crash(record)
    if (action === 'stop') await stopping.stop(record, { timeoutSeconds: null, signal: null })
    if (action === 'restart') await stopping.restart(record, { timeoutSeconds: null, signal: null })
  } catch (error) {
    logger.warn('act on an unhealthy container', { container: record.id, action, error: messageOf(error) })
  }
}
