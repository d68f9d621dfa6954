import { messageOf } from '#errors/errors.ts'
import { parseReference, type Reference, withDefaultTag } from '#spec/reference.ts'
import type { BuilderParts } from '../builder-parts.ts'
import { imageArchive } from '../export/archive.ts'
import { imageSet } from '../export/image-set.ts'
import type { ClientSession } from '../session/client-session.ts'
import type { CacheRecord } from '../solver/vertex.ts'
import type { BuildState } from '../state.ts'
import { cacheImage } from './cache-image.ts'
import type { CacheTarget } from './cache-places.ts'

/** What exporting needs. */
export interface ExportOptions {
  readonly parts: BuilderParts
  readonly session: ClientSession | null
  /** What the build used or made. */
  readonly records: readonly CacheRecord[]
  /** Its results. */
  readonly states: readonly BuildState[]
  /** The directories of its cache mounts, as records. */
  readonly mounts: () => Promise<readonly CacheRecord[]>
  readonly push: (name: Reference) => Promise<unknown>
  readonly progress: (message: object) => void
  readonly signal: AbortSignal
}

/** Leaves a build's cache where it was asked to. @throws what sending it throws, unless the target says otherwise */
export async function exportCaches(targets: readonly CacheTarget[], options: ExportOptions): Promise<void> {
  for (const target of targets) {
    try {
      if (target.kind !== 'inline') await exportCache(target, options)
    } catch (error) {
      options.signal.throwIfAborted()
      if (!target.ignoreError) throw error
      options.progress({ stream: `[Warning] cache to ${target.name}: ${messageOf(error)}\n` })
    }
  }
}

async function exportCache(target: CacheTarget, options: ExportOptions): Promise<void> {
  const { parts, session, signal } = options
  const { content, layers, images, hostPlatform: platform } = parts
  const own = new Set<string>(options.states.flatMap((state) => state.layers))
  const steps = target.isMax
    ? options.records
    : options.records.filter(({ layer }) => layer === null || own.has(layer))
  using _held = content.hold()
  const records = target.mounts ? [...steps, ...(await options.mounts())] : steps
  const config = cacheImage(
    records.filter(({ layer }) => layer === null || layers.has(layer as never)),
    platform,
  )
  if (target.kind === 'registry') {
    const name = withDefaultTag(parseReference(target.name))
    const before = images.find(target.name)
    await images.create({ config, parent: null, references: [name] })
    try {
      await options.push(name)
    } finally {
      await parts.forgetImage(target.name)
      if (before !== null) {
        const configBytes = images.configBytes(before.id)
        await images.create({ config: before.config, configBytes, parent: before.parent, references: [name] })
      }
    }
    return
  }
  if (session === null) throw new Error('the client has no session')
  const set = await imageSet(
    [{ platform, config, configBytes: Buffer.from(JSON.stringify(config)), attestations: [] }],
    { shape: { compression: 'gzip', annotations: {} }, content, layers, names: [], signal },
  )
  const archive = imageArchive(set, { form: 'oci', names: [], content, layers, signal })
  await session.give({ kind: 'cache-out', name: target.name }, archive, signal)
}
