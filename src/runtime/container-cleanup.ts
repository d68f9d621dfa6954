import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { failpoint } from '#base/failpoint.ts'
import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import type { Cgroup } from '#kernel/cgroups/cgroups.ts'
import { captureOutput } from '#kernel/capture.ts'
import type { RuntimePaths } from './bundle.ts'
import type { Engine } from './oci-engines.ts'

/** What a container that has ended leaves behind. */
export interface Remains {
  readonly id: string
  /** Null when its bundle had no record: only its directories are known. */
  readonly engine: Engine | null
  readonly cgroup: Cgroup
  /** systemd made the cgroup, and must be told. */
  readonly systemd: boolean
}

/**
 * Removes what containers leave: the runtime's state, the cgroup, the exit code, and last the bundle, by which a later
 * daemon finds the rest if we die half-way. Runs behind the back of those who wait for the container.
 */
export class ContainerCleanup {
  readonly #paths: RuntimePaths
  readonly #logger: Logger
  readonly #running = new Map<string, Promise<void>>()

  constructor(paths: RuntimePaths, logger: Logger) {
    this.#paths = paths
    this.#logger = logger
  }

  /** Begins to remove; `finished` tells when it is done. */
  begin(remains: Remains): void {
    const work = this.#remove(remains)
      .catch((error: unknown) =>
        this.#logger.error('cannot remove what a container left', {
          container: remains.id,
          error: messageOf(error),
        }),
      )
      .finally(() => {
        if (this.#running.get(remains.id) === work) this.#running.delete(remains.id)
      })
    this.#running.set(remains.id, work)
  }

  /** Resolves when nothing of this id is being removed: only then may it be made again. */
  async finished(id: string): Promise<void> {
    await this.#running.get(id)
  }

  async allFinished(): Promise<void> {
    await Promise.all(this.#running.values())
  }

  /** Ids of bundles that exist. */
  bundleIds(): readonly string[] {
    return readdirSync(this.#paths.bundles)
  }

  /** Exit codes of containers that have no bundle: nobody asks for them any more. */
  removeStrayExits(): void {
    const known = new Set(this.bundleIds())
    for (const id of readdirSync(this.#paths.exits)) if (!known.has(id)) rmSync(join(this.#paths.exits, id))
  }

  async #remove({ id, engine, cgroup, systemd }: Remains): Promise<void> {
    await cgroup.kill()
    if (engine !== null) await this.#removeState(id, systemd ? { ...engine, waits: 'command' } : engine)
    await failpoint('runtime.cleanup.state-removed')
    await cgroup.remove()
    // A few files, on tmpfs as a rule: on this thread, it takes less than the way to another.
    rmSync(join(this.#paths.exits, id), { force: true })
    rmSync(join(this.#paths.bundles, id), { recursive: true, force: true })
  }

  /** crun's and runc's `delete` remove the cgroup and a directory: so do we, without a process for it. */
  async #removeState(id: string, engine: Engine): Promise<void> {
    const root = join(this.#paths.states, engine.name)
    if (engine.waits === 'command') {
      await captureOutput({
        argv: [engine.path, ...engine.args, `--root=${root}`, 'delete', '--force', id],
        env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
      })
    }
    rmSync(join(root, id), { recursive: true, force: true })
  }
}
