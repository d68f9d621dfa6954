import type { CommitBackend } from '#api/backends.ts'
import { mergeConfig } from '#containers/create/merge.ts'
import type { Containers } from '#containers/open-containers.ts'
import type { EventSink } from '#events/events.ts'
import { ConflictError, NotFoundError } from '#errors/errors.ts'
import type { Images } from '#images/image-service.ts'
import { parseReference, withDefaultTag, withTag } from '#spec/reference.ts'

/** `POST /commit`: the container's changes become an image, the container frozen meanwhile unless asked otherwise. */
export function createCommits(containers: Containers, images: Images, events: EventSink): CommitBackend {
  return {
    async commit(config, options) {
      const { repository, tag, author, comment, changes, signal } = options
      const record = containers.records.resolve(options.container)
      const named = repository === '' ? null : parseReference(repository)
      const reference = named === null ? null : tag === '' ? withDefaultTag(named) : withTag(named, tag)
      const pauses = options.pause && record.state.status === 'running'
      if (pauses) await containers.stopping.pause(record.id).catch(ignoreEnded)
      try {
        const made = await images.commit({
          containerId: record.id,
          image: record.imageId,
          // Where the request says nothing, the container does.
          config: config === null ? record.config : mergeConfig(config, record.config),
          changes,
          author,
          comment,
          reference,
          signal,
        })
        events.publish({
          type: 'container',
          action: 'commit',
          id: record.id,
          attributes: {
            ...record.config.Labels,
            image: record.config.Image ?? '',
            name: record.name,
            imageID: made.Id,
          },
        })
        return made
      } finally {
        if (pauses) await containers.stopping.unpause(record.id).catch(ignoreEnded)
      }
    },
  }
}

/** It may have come to its end, or have been removed, meanwhile: nothing writes to its files then. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error
}
