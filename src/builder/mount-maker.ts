import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { IdMap } from '#base/id-map.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import { mountFs, umountAll } from '#kernel/mounts.ts'
import { resolveBeneath } from '#kernel/paths.ts'
import type { Mount } from '#spec/docker/host-config.ts'
import type { CacheDirectories } from './cache/cache-directories.ts'
import { type BuildContexts, MAIN_CONTEXT } from './named-contexts.ts'
import type { BuildRoots } from './needs.ts'
import type { RunMount } from './ops/run-mounts.ts'
import type { MountMaker } from './ops/run-step.ts'
import type { ClientSession } from './session/client-session.ts'
import { makeSecrets } from './session/make-secrets.ts'
import type { BuildState } from './state.ts'

/** What mounts are made from. */
export interface MountSources {
  readonly roots: BuildRoots
  readonly contexts: BuildContexts
  readonly directories: CacheDirectories
  readonly tempRoot: string
  /** The user namespace that commands run in; null is the host's. */
  readonly ids: IdMap | null
  /** Who gives secrets; null for a client without a session. */
  readonly session: ClientSession | null
  /** Where directories in memory are made. */
  readonly secretRoot: string
}

/** Makes the `--mount`s of RUN out of binds and tmpfs, which is what containers have. */
export function createMountMaker(sources: MountSources): MountMaker {
  return {
    async make(wanted, inputs, signal) {
      await using held = new AsyncDisposableStack()
      const mounts: Mount[] = []
      const tmpfs: Record<string, string> = {}
      const secrets = await makeSecrets(wanted, { sources, held, signal })
      mounts.push(...secrets.mounts)
      for (const mount of wanted) {
        const target = mount.target as string
        if (mount.type === 'secret' || mount.type === 'ssh') continue
        if (mount.type === 'tmpfs') {
          tmpfs[target] = mount.sizeBytes === null ? '' : `size=${mount.sizeBytes}`
          continue
        }
        const at = { sources, held, inputs, signal }
        const source = mount.type === 'cache' ? await cacheDirectory(mount, at) : await bindSource(mount, at)
        mounts.push({ Type: 'bind', Source: source, Target: target, ReadOnly: mount.readOnly })
      }
      const kept = held.move()
      return { ...secrets, mounts, tmpfs, [Symbol.asyncDispose]: () => kept.disposeAsync() }
    },
  }
}

type Making = {
  readonly sources: MountSources
  readonly held: AsyncDisposableStack
  readonly inputs: ReadonlyMap<string, BuildState>
  readonly signal: AbortSignal
}

async function cacheDirectory(mount: RunMount, at: Making): Promise<string> {
  const { directories } = at.sources
  const directory = await directories.open(mount, at.held)
  if (directory.isNew) {
    // A new cache begins as a copy of what `from` names.
    if (mount.from !== null && !directory.isFilled)
      await directories.fill(directory.path, await bindSource(mount, at), at.signal)
    await directories.give(directory.path, mount)
  }
  if (mount.from !== null || mount.source === '/') return directory.path
  return resolveBeneath(directory.path, mount.source)
}

async function bindSource(mount: RunMount, at: Making): Promise<string> {
  const state = mount.from === null ? undefined : at.inputs.get(mount.from)
  let root: string
  if (state !== undefined)
    root = at.held.use(await at.sources.roots.mount(state.layers, { mapped: true })).root
  else root = await at.sources.contexts.directory(mount.from ?? MAIN_CONTEXT)
  if (state === undefined && !mount.readOnly) root = await writableView(root, at)
  try {
    const path = resolveBeneath(root, mount.source)
    await stat(path)
    return path
  } catch {
    throw new InvalidArgumentError(`failed to compute cache key: "${mount.source}": not found`)
  }
}

/** What the command writes into a context is not kept: it writes into a layer of its own. */
async function writableView(root: string, at: Making): Promise<string> {
  const directory = await mkdtemp(join(at.sources.tempRoot, 'rw-'))
  at.held.defer(() => rm(directory, { recursive: true, force: true }))
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  for (const path of [upper, work, merged]) await mkdir(path)
  mountFs(merged, 'overlay', {
    parameters: [
      ['lowerdir', root],
      ['upperdir', upper],
      ['workdir', work],
    ],
  })
  at.held.defer(() => umountAll(merged))
  return merged
}
