import type { EventSink } from '#events/events.ts'
import type { ContainerRecord } from './records.ts'

/** Tells, as dockerd does, that a container's run has taken its volumes (`mount`) or let them go (`unmount`). */
export function publishVolumeEvents(
  events: EventSink,
  record: ContainerRecord,
  action: 'mount' | 'unmount',
): void {
  for (const mount of record.mounts) {
    if (mount.type !== 'volume') continue
    const place = {
      destination: mount.destination,
      propagation: '',
      'read/write': String(!mount.readOnly),
    }
    events.publish({
      type: 'volume',
      action,
      id: mount.name,
      attributes: { container: record.id, driver: mount.driver, ...(action === 'mount' ? place : {}) },
    })
  }
}
