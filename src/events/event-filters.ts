import type { Filters } from '#spec/docker/filters.ts'
import type { EventMessage } from '#spec/docker/system.ts'

/** Tells whether an event passes Docker's filters: any value of a filter, and every filter that was given. */
export function eventMatches(event: EventMessage, filters: Filters): boolean {
  for (const [name, values] of filters) {
    if (values.length > 0 && !values.some((value) => matches(event, name, value))) return false
  }
  return labelsMatch(event, filters.get('label') ?? [])
}

function matches(event: EventMessage, name: string, value: string): boolean {
  const attributes = event.Actor?.Attributes ?? {}
  const id = event.Actor?.ID ?? ''
  switch (name) {
    case 'event':
      // `exec_start` passes `exec_start: sh -c …`.
      return event.Action === value || event.Action?.startsWith(`${value}: `) === true
    case 'type':
      return event.Type === value
    case 'scope':
      return event.scope === value
    case 'label':
      return true
    case 'container':
    case 'network':
    case 'volume':
    case 'plugin':
    case 'daemon':
    case 'service':
    case 'node':
    case 'secret':
    case 'config':
      return event.Type === name && nameMatches(value, { id, name: attributes['name'] })
    case 'image':
      return imageMatches(event, value)
    default:
      // dockerd ignores filters it does not know here.
      return true
  }
}

function nameMatches(
  value: string,
  of: { readonly id: string; readonly name: string | null | undefined },
): boolean {
  return value !== '' && (of.id.startsWith(value) || of.name === value.replace(/^\//, ''))
}

/** An image event by id or name, and a container event by the image it is of; tags need not be given. */
function imageMatches(event: EventMessage, value: string): boolean {
  const attributes = event.Actor?.Attributes ?? {}
  const own = event.Type === 'image' ? [event.Actor?.ID, attributes['name']] : [attributes['image']]
  if (event.Type !== 'image' && event.Type !== 'container') return false
  return own.some((name) => name === value || (typeof name === 'string' && withoutTag(name) === value))
}

function withoutTag(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
}

/** Every label must match (`key` or `key=value`), unlike the values of other filters. */
function labelsMatch(event: EventMessage, wanted: readonly string[]): boolean {
  const attributes = event.Actor?.Attributes ?? {}
  return wanted.every((label) => {
    const equals = label.indexOf('=')
    if (equals === -1) return Object.hasOwn(attributes, label)
    return attributes[label.slice(0, equals)] === label.slice(equals + 1)
  })
}
