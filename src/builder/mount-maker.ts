import { createHash } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyedLock } from '#base/keyed-lock.ts'
import { InvalidArgumentError, NotImplementedError } from '#errors/errors.ts'
import { resolveBeneath } from '#kernel/paths.ts'
import type { Mount } from '#spec/docker/host-config.ts'
import type { BuildRoots } from './needs.ts'
import { MAIN_CONTEXT } from './ops/context.ts'
import type { RunMount } from './ops/run-mounts.ts'
import type { MountMaker } from './ops/run-step.ts'
import type { BuildState } from './state.ts'

/** What mounts are made from. */
export interface MountSources {
  readonly roots: BuildRoots
  readonly contexts: ReadonlyMap<string, string>
  /** Where cache mounts live from build to build. */
  readonly cacheRoot: string
  readonly tempRoot: string
  /** Serialises `sharing=locked` between all builds. */
  readonly locks: KeyedLock
}

/** Makes the `--mount`s of RUN out of binds and tmpfs, which is what containers have. */
export function createMountMaker(sources: MountSources): MountMaker {
  return {
    async make(wanted, inputs) {
      await using held = new AsyncDisposableStack()
      const mounts: Mount[] = []
      const tmpfs: Record<string, string> = {}
      for (const mount of wanted) {
        const target = mount.target as string
        if (mount.type === 'tmpfs') {
          tmpfs[target] = mount.sizeBytes === null ? '' : `size=${mount.sizeBytes}`
          continue
        }
        const source =
          mount.type === 'cache'
            ? await cacheDirectory(mount, sources, held)
            : await bindSource(mount, inputs, { sources, held })
        mounts.push({ Type: 'bind', Source: source, Target: target, ReadOnly: mount.readOnly })
      }
      const kept = held.move()
      return { mounts, tmpfs, [Symbol.asyncDispose]: () => kept.disposeAsync() }
    },
  }
}

async function cacheDirectory(
  mount: RunMount,
  sources: MountSources,
  held: AsyncDisposableStack,
): Promise<string> {
  if (mount.from !== null)
    throw new NotImplementedError(
      'RUN --mount=type=cache,from=… is not supported: copy the files in the command',
    )
  const name = createHash('sha256').update(mount.id).digest('hex')
  const shared = join(sources.cacheRoot, name)
  if (mount.sharing === 'locked') held.use(await sources.locks.acquire(shared))
  let path = shared
  if (mount.sharing === 'private' && sources.locks.isHeld(shared)) {
    path = await mkdtemp(join(sources.tempRoot, 'cache-'))
    held.defer(() => rm(path, { recursive: true, force: true }))
  } else if (mount.sharing === 'private') held.use(await sources.locks.acquire(shared))
  const isNew = (await mkdir(path, { recursive: true })) !== undefined
  if (isNew || path !== shared) {
    await chown(path, mount.uid, mount.gid)
    await chmod(path, mount.mode ?? 0o755)
  }
  return path
}

async function bindSource(
  mount: RunMount,
  inputs: ReadonlyMap<string, BuildState>,
  at: { readonly sources: MountSources; readonly held: AsyncDisposableStack },
): Promise<string> {
  const state = mount.from === null ? undefined : inputs.get(mount.from)
  let root: string | undefined
  if (state !== undefined) root = at.held.use(await at.sources.roots.mount(state.layers)).root
  else {
    if (!mount.readOnly)
      throw new NotImplementedError(
        'RUN --mount=type=bind,rw of the build context is not supported: copy the files in the command',
      )
    root = at.sources.contexts.get(mount.from ?? MAIN_CONTEXT)
  }
  if (root === undefined)
    throw new InvalidArgumentError(`invalid mount: no build context for "${mount.target}"`)
  try {
    const path = resolveBeneath(root, mount.source)
    await stat(path)
    return path
  } catch {
    throw new InvalidArgumentError(`failed to compute cache key: "${mount.source}": not found`)
  }
}
