import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord, LinkRecord } from './records.ts'
import type { RecordStore } from './record-store.ts'

/** Legacy links of a new container: `name:alias`, or a name alone. @throws NotFoundError, InvalidArgumentError in Docker's words */
export function parseLinks(texts: readonly string[], records: RecordStore): readonly LinkRecord[] {
  return texts.map((text) => {
    const parts = text.split(':')
    const [reference = '', alias = reference] = parts
    if (text === '') throw new InvalidArgumentError('empty string specified for links')
    if (parts.length > 2 || reference === '') throw new InvalidArgumentError(`bad format for links: ${text}`)
    try {
      const other = records.resolve(reference)
      if (other.hostConfig.NetworkMode === 'host') {
        throw new InvalidArgumentError(
          "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
        )
      }
      return { containerId: other.id, alias: alias.split('/').pop() ?? alias }
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      throw new InvalidArgumentError(`could not get container for ${reference}: ${error.message}`, {
        cause: error,
      })
    }
  })
}

/** `HostConfig.Links` of inspect: `/name:/parent/alias`, as Docker tells them. Null without any. */
export function linksOf(record: ContainerRecord, records: RecordStore): readonly string[] | null {
  const links = record.links.flatMap(({ containerId, alias }) => {
    const other = records.find(containerId)
    return other === null ? [] : [`/${other.name}:/${record.name}/${alias}`]
  })
  return links.length === 0 ? null : links
}

/** `docker rm --link parent/alias`: takes the link away from its container. @throws NotFoundError */
export function removeLink(context: ContainerContext, reference: string): void {
  const path = reference.replace(/^\//, '')
  const slash = path.indexOf('/')
  if (slash < 0)
    throw new InvalidArgumentError('Conflict, cannot remove the default link name of the container')
  const parent = context.records.resolve(path.slice(0, slash))
  const alias = path.slice(slash + 1)
  const links = parent.links.filter((link) => link.alias !== alias)
  if (links.length === parent.links.length) {
    throw new NotFoundError(`No such container: ${path}`)
  }
  context.records.redefine(parent.id, { links })
}
