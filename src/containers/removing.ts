import { failpoint } from '#base/failpoint.ts'
import { ConflictError, messageOf } from '#errors/errors.ts'
import { removeTree } from '#kernel/remove-tree.ts'
import type { ContainerRemoveOptions } from '#spec/docker/options.ts'
import { containerPaths } from './container-paths.ts'
import { publishContainerEvent } from './container-events.ts'
import type { ContainerContext } from './context.ts'
import type { ContainerRecord } from './records.ts'
import type { Runs } from './runs.ts'
import { exitCodeOf, isAlive, isRunning } from './state.ts'
import type { Stopping } from './stopping.ts'
import { imageMountIds } from './image-mounts.ts'
import { removeLink } from './links.ts'

/** Takes containers away: from the clients' sight first, then from the disk. */
export class Removing {
  readonly #context: ContainerContext
  readonly #runs: Runs
  readonly #stopping: Stopping
  readonly #listeners: ((id: string) => void)[] = []
  /** Bytes that are being freed: the daemon's end waits for them. */
  readonly #sweeps = new Set<Promise<void>>()

  constructor(context: ContainerContext, services: { readonly runs: Runs; readonly stopping: Stopping }) {
    this.#context = context
    this.#runs = services.runs
    this.#stopping = services.stopping
    this.#runs.onAutoRemove((record) => this.#remove(record, { removeVolumes: true }))
  }

  /** Adds one who is told when a container is gone. */
  listen(listener: (id: string) => void): void {
    this.#listeners.push(listener)
  }

  /** `DELETE /containers/{id}`. When it resolves the name is free and no list shows the container. */
  async remove(reference: string, options: ContainerRemoveOptions): Promise<void> {
    if (options.removeLink) return removeLink(this.#context, reference)
    const record = this.#context.records.resolve(reference)
    const { id } = record
    if (isRunning(record.state)) {
      if (!options.force) throw stillRunning(record, reference)
      await this.#stopping.end(record)
    }
    using _held = await this.#context.locks.acquire(id)
    // `--rm` may have been faster.
    const present = this.#context.records.find(id)
    if (present === null) return
    if (isRunning(present.state)) throw stillRunning(present, reference)
    await this.#remove(present, { removeVolumes: options.removeVolumes })
  }

  /** Resolves when nothing is being freed any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#sweeps)
  }

  /** Under the container's lock, and the container does not run. */
  async #remove(record: ContainerRecord, options: { readonly removeVolumes: boolean }): Promise<void> {
    const { records, events, waiters, volumes, networks } = this.#context
    const { id } = record
    // From here on a crash ends in the container's being gone: recovery goes on with `removing`.
    if (!isAlive(record.state)) records.setState(id, { state: { ...record.state, status: 'removing' } })
    await failpoint('containers.remove.after-mark')
    for (const mount of record.mounts) if (mount.type === 'volume') volumes.release(mount.name, id)
    await networks.release(id)
    await failpoint('containers.remove.before-forget')
    records.delete(id)
    publishContainerEvent(events, record, { action: 'destroy' })
    for (const listener of this.#listeners) listener(id)
    this.#context.stdio.finish(id)
    waiters.removed(id, { StatusCode: exitCodeOf(record.state) })
    const sweep = this.#sweep(record, options).catch((error: unknown) =>
      this.#context.logger.warn('free what a container left', { container: id, error: messageOf(error) }),
    )
    this.#sweeps.add(sweep)
    void sweep.then(() => this.#sweeps.delete(sweep))
    // Anonymous volumes are a client's to see: they go before the answer.
    if (options.removeVolumes && record.mounts.some((mount) => mount.type === 'volume' && mount.anonymous))
      await sweep
  }

  async #sweep(record: ContainerRecord, options: { readonly removeVolumes: boolean }): Promise<void> {
    const { id } = record
    await this.#runs.released(id)
    await this.#context.runtime.delete(id)
    await this.#context.snapshots.remove(id)
    for (const mounted of imageMountIds(record)) await this.#context.snapshots.remove(mounted)
    if (options.removeVolumes) {
      for (const mount of record.mounts) {
        if (mount.type !== 'volume' || !mount.anonymous) continue
        await this.#context.volumes.remove(mount.name, { force: true }).catch((error: unknown) => {
          // Another container uses it by --volumes-from: it stays.
          if (!(error instanceof ConflictError)) throw error
        })
      }
    }
    await failpoint('containers.remove.before-files')
    const { directory } = containerPaths(this.#context.directory, id)
    await removeTree(directory)
  }
}

function stillRunning(record: ContainerRecord, reference: string): ConflictError {
  const name = JSON.stringify(reference)
  const cannot = `cannot remove container ${name}: container is ${record.state.status}`
  if (record.state.status === 'paused') return new ConflictError(`${cannot} and must be unpaused first`)
  return new ConflictError(`${cannot}: stop the container before removing or force remove`)
}
