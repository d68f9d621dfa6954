import type { EventRecord } from '#client/system.ts'

type OldRecord = EventRecord & { readonly status?: string; readonly id?: string; readonly from?: string }

/** An event with its members in Docker's order, the old ones first where the daemon still sends them. */
export function eventJson(event: EventRecord): Readonly<Record<string, unknown>> {
  const { status, id, from, Type, Action, Actor, scope, time, timeNano } = event as OldRecord
  return Object.fromEntries(
    Object.entries({ status, id, from, Type, Action, Actor, scope, time, timeNano }).filter(
      ([, value]) => value !== undefined && value !== '',
    ),
  )
}
