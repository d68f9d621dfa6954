import { failpoint } from '#base/failpoint.ts'
import type { Digest } from '#base/digest.ts'
import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { ContainerConfig, ImageConfig } from '#spec/docker/container-config.ts'
import type { OciHistory, OciImageConfig } from '#spec/oci/image.ts'
import { MAX_LAYERS } from '#spec/oci/parse.ts'
import { hostPlatform } from '#spec/oci/platform.ts'
import type { ImageContent } from './image-content.ts'
import type { CommitRequest, ConfigChanger } from './image-service.ts'
import type { LayerRecord } from './layers/layers.ts'

interface CommitDependencies {
  readonly content: ImageContent
  readonly changer: ConfigChanger
  commitSnapshot(id: string, options: { readonly signal?: AbortSignal }): Promise<LayerRecord>
}

/** The tar of no files: such a layer is left out (image-spec, config.md, `empty_layer`). */
const EMPTY_LAYER = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef'

/** `docker commit`: the container's changes as one more layer on its image. The new image is durable when it resolves. */
export async function commitContainer(
  dependencies: CommitDependencies,
  request: CommitRequest,
): Promise<{ Id: Digest }> {
  const { content, changer } = dependencies
  const { store, layers, database } = content
  const base = request.image === null ? null : store.get(request.image)
  if (request.image !== null && base === null) throw new NotFoundError(`No such image: ${request.image}`)
  const config = changer(imageConfigOf(request.config), request.changes)
  using _held = content.holds.holdAll()
  const signal = request.signal === undefined ? {} : { signal: request.signal }
  const layer = await dependencies.commitSnapshot(request.containerId, signal)
  const isEmpty = layer.diffId === EMPTY_LAYER
  const diffIds = [...(base?.layers ?? []), ...(isEmpty ? [] : [layer.diffId])]
  if (diffIds.length > MAX_LAYERS) throw new InvalidArgumentError('max depth exceeded')
  const created = new Date().toISOString()
  const step: OciHistory = {
    created,
    ...(request.author === '' ? {} : { author: request.author }),
    created_by: (request.config.Cmd ?? []).join(' '),
    ...(request.comment === '' ? {} : { comment: request.comment }),
    ...(isEmpty ? { empty_layer: true } : {}),
  }
  const image: OciImageConfig = {
    ...(base?.platform ?? hostPlatform()),
    created,
    ...(request.author === '' ? {} : { author: request.author }),
    ...(request.comment === '' ? {} : { comment: request.comment }),
    config,
    rootfs: { type: 'layers', diff_ids: diffIds },
    history: [...(base?.config.history ?? []), step],
  }
  await failpoint('images.commit.before-record')
  const id = store.atomically(() => {
    const stored = store.put({
      configBytes: Buffer.from(JSON.stringify(image)),
      parent: base?.id ?? null,
      layerSizes: diffIds.map((diffId) => layers.get(diffId).sizeBytes),
      manifests: [],
    })
    if (request.reference !== null) store.name(request.reference, stored.id, { taggedAt: created })
    return stored.id
  })
  await database.durable()
  const record = store.get(id)
  if (record !== null) content.notify('create', { id, image: record, name: id })
  return { Id: id }
}

/** What of a container's configuration an image keeps: not what belongs to one run (terminal, names, streams). */
export function imageConfigOf(config: ContainerConfig): ImageConfig {
  const kept: (keyof ImageConfig)[] = [
    'User',
    'ExposedPorts',
    'Env',
    'Cmd',
    'Healthcheck',
    'ArgsEscaped',
    'Volumes',
    'WorkingDir',
    'Entrypoint',
    'OnBuild',
    'Labels',
    'StopSignal',
    'Shell',
  ]
  return Object.fromEntries(kept.flatMap((name) => (config[name] == null ? [] : [[name, config[name]]])))
}
