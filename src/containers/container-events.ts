import type { EventSink } from '#events/events.ts'
import type { ContainerDefinition } from './records.ts'

/**
 * Tells what happened to a container, in Docker's form: the attributes are its labels, its image, its name, and
 * what belongs to the action (`exitCode`, `signal` …).
 */
export function publishContainerEvent(
  events: EventSink,
  container: Pick<ContainerDefinition, 'id' | 'name' | 'config' | 'image'>,
  event: { readonly action: string; readonly attributes?: Readonly<Record<string, string>> },
): void {
  events.publish({
    type: 'container',
    action: event.action,
    id: container.id,
    attributes: {
      ...container.config.Labels,
      image: container.config.Image ?? container.image,
      name: container.name,
      ...event.attributes,
    },
  })
}

/** Tells that `prune` has run. */
export function publishPruneEvent(events: EventSink, reclaimedBytes: number): void {
  events.publish({
    type: 'container',
    action: 'prune',
    id: '',
    attributes: { reclaimed: String(reclaimedBytes) },
  })
}
