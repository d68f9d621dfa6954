import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InvalidArgumentError, NotFoundError, PermissionDeniedError, messageOf } from '#errors/errors.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'
import type { CheckpointCreateRequest, CheckpointSummary } from '#spec/docker/checkpoint.ts'
import { publishContainerEvent } from './container-events.ts'
import { containerPaths } from './container-paths.ts'
import type { ContainerContext } from './context.ts'
import { isRunning } from './state.ts'

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** Containers frozen into files by CRIU, to be started from there: `docker checkpoint`. */
export class Checkpoints {
  readonly #context: ContainerContext

  constructor(context: ContainerContext) {
    this.#context = context
  }

  /** @throws RuntimeFailure in Docker's words, naming what CRIU lacks; then nothing remains */
  async create(reference: string, request: CheckpointCreateRequest): Promise<void> {
    const { records, runtime, events } = this.#context
    const { id } = records.resolve(reference)
    using _held = await this.#context.locks.acquire(id)
    const record = records.get(id)
    const name = request.CheckpointID ?? ''
    if (!isRunning(record.state)) throw failure(`Container ${reference} not running`)
    if (record.config.Tty === true) throw failure('checkpoint not support on containers with tty')
    if (!NAME.test(name))
      throw failure(`Invalid checkpoint ID (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`)
    const path = join(this.#directory(id, request.CheckpointDir), name)
    if (await exists(path))
      throw failure(
        `cannot checkpoint container ${reference}: checkpoint with name ${name} already exists for container ${reference}`,
      )
    // Under a name that no checkpoint has, until it is whole: a daemon that dies leaves nothing that looks like one.
    const unfinished = join(dirname(path), `.${name}`)
    await rm(unfinished, { recursive: true, force: true })
    await mkdir(unfinished, { recursive: true, mode: 0o700 })
    try {
      await runtime.checkpoint(id, { path: unfinished, leavesRunning: request.Exit !== true })
      await rename(unfinished, path)
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true })
      throw failure(`Cannot checkpoint container ${reference}: ${messageOf(error)}`, error)
    }
    publishContainerEvent(events, record, { action: 'checkpoint', attributes: { checkpoint: name } })
  }

  /** @throws NotFoundError for the container */
  async list(reference: string, directory: string): Promise<readonly CheckpointSummary[]> {
    const { id } = this.#context.records.resolve(reference)
    const entries = await readdir(this.#directory(id, directory), { withFileTypes: true }).catch(() => [])
    return entries
      .filter((entry) => entry.isDirectory() && NAME.test(entry.name))
      .map(({ name }) => ({ Name: name }))
  }

  async remove(reference: string, name: string, directory: string): Promise<void> {
    const { id } = this.#context.records.resolve(reference)
    await rm(await this.#existing(id, { name, directory, reference }), { recursive: true, force: true })
  }

  /** The directory to start a container from. @throws NotFoundError when there is no such checkpoint */
  async forStart(id: string, from: { readonly name: string; readonly directory: string }): Promise<string> {
    if (!this.#context.defaults.experimental)
      throw new InvalidArgumentError('checkpoint is only supported in experimental mode')
    if (from.directory !== '') throw new PermissionDeniedError('custom checkpointdir is not supported')
    return await this.#existing(id, { name: from.name, directory: '', reference: id })
  }

  async #existing(
    id: string,
    {
      name,
      directory,
      reference,
    }: { readonly name: string; readonly directory: string; readonly reference: string },
  ): Promise<string> {
    const path = join(this.#directory(id, directory), name)
    if (NAME.test(name) && (await exists(path))) return path
    throw new NotFoundError(`checkpoint ${name} does not exist for container ${reference}`)
  }

  #directory(id: string, asked: string | null | undefined): string {
    return asked || join(containerPaths(this.#context.directory, id).directory, 'checkpoints')
  }
}

/** dockerd answers all of these with 500. */
function failure(message: string, cause?: unknown): RuntimeFailure {
  return new RuntimeFailure(message, { exitCode: 128, cause })
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
