import { Writable } from 'node:stream'
import { newId } from '#base/ids.ts'
import { ConflictError, InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import { RuntimeFailure } from '#runtime/runtime-failure.ts'
import { resolveUser } from '#runtime/spec/user.ts'
import { readUserDatabase } from '#runtime/user-database.ts'
import type { Attachment } from '#runtime/runtime.ts'
import type { ExecStartOptions } from '#spec/docker/options.ts'
import type { ExecCreateRequest } from '#spec/docker/requests.ts'
import type { StdioFrame, StdioSession } from '#spec/docker/streams.ts'
import { publishContainerEvent } from '../container-events.ts'
import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'
import { isAlive } from '../state.ts'
import { restarting } from '../stopping.ts'
import { execView, type ExecRecord } from './exec-record.ts'

/** How long the result of an exec can be asked for after its end. */
const KEPT_MS = 5 * 60_000

/** Further processes in running containers. */
export class Execs {
  readonly #context: ContainerContext
  readonly #execs = new Map<string, ExecRecord>()
  readonly #byContainer = new Map<string, Set<string>>()

  constructor(context: ContainerContext) {
    this.#context = context
  }

  /** @throws ConflictError when the container does not run; InvalidArgumentError without a command, or for an unknown user */
  create(container: string, request: ExecCreateRequest): { readonly Id: string } {
    const record = this.#context.records.resolve(container)
    assertRuns(record, container)
    if ((request.Cmd?.length ?? 0) === 0) throw new InvalidArgumentError('No exec command specified')
    if (request.User && isAlive(record.state)) {
      // An unknown user is an error of the request, not of the start.
      resolveUser(request.User, [], readUserDatabase(`/proc/${record.state.pid}/root`))
    }
    this.#forgetOld()
    const exec: ExecRecord = { id: newId(), containerId: record.id, request, state: { status: 'created' } }
    this.#execs.set(exec.id, exec)
    const ids = this.#byContainer.get(record.id) ?? new Set()
    this.#byContainer.set(record.id, ids.add(exec.id))
    this.#publish(record, exec, { action: `exec_create: ${commandOf(exec)}` })
    return { Id: exec.id }
  }

  /** Starts an exec and gives its streams. @throws ConflictError when it ran already; RuntimeFailure */
  async start(id: string, options: ExecStartOptions): Promise<StdioSession> {
    const exec = this.#get(id)
    const { attachment, done } = await this.#run(exec, { ...options, attach: true })
    if (attachment === null) throw new ConflictError(`exec ${id} has no streams`)
    const { request } = exec
    let detached = false
    const leave = (): void => attachment[Symbol.dispose]()
    options.signal.addEventListener('abort', leave, { once: true })
    return {
      tty: request.Tty === true,
      frames: framesOf(attachment, { request, done, isDetached: () => detached }),
      stdin: request.AttachStdin === true ? stdinOf(attachment) : null,
      detach: () => {
        if (detached) return
        detached = true
        const record = this.#context.records.find(exec.containerId)
        if (record !== null) this.#publish(record, exec, { action: 'exec_detach' })
        leave()
      },
    }
  }

  /** Starts an exec that nobody listens to. */
  async startDetached(id: string, options: ExecStartOptions): Promise<void> {
    await this.#run(this.#get(id), { ...options, attach: false })
  }

  /** @throws NotFoundError; ConflictError when it does not run */
  async resize(id: string, size: { readonly rows: number; readonly columns: number }): Promise<void> {
    const exec = this.#get(id)
    const container = this.#context.records.find(exec.containerId)
    if (container !== null && !isAlive(container.state))
      throw new ConflictError(`container ${exec.containerId} is not running`)
    // Clients ask while it starts: dockerd lets them wait, too.
    if (exec.state.status === 'starting') await exec.state.started
    if (exec.state.status !== 'running') throw new ConflictError(`exec process is not started`)
    await this.#context.runtime.resizeExec(exec.containerId, exec.id, size)
  }

  /** @throws NotFoundError */
  inspect(id: string): object {
    return execView(this.#get(id))
  }

  /** The detach keys given at creation, or null. @throws NotFoundError */
  detachKeys(id: string): string | null {
    return this.#get(id).request.DetachKeys || null
  }

  /** The execs of a container that have not ended. */
  idsOf(containerId: string): readonly string[] {
    return [...(this.#byContainer.get(containerId) ?? [])].filter(
      (id) => this.#execs.get(id)?.state.status !== 'ended',
    )
  }

  /** A run of the container has ended: what was not started belongs to it, and cannot be started in the next. */
  forgetUnstarted(containerId: string): void {
    for (const id of this.#byContainer.get(containerId) ?? []) {
      if (this.#execs.get(id)?.state.status !== 'created') continue
      this.#execs.delete(id)
      this.#byContainer.get(containerId)?.delete(id)
    }
  }

  /** The container is gone: its execs with it. */
  forgetContainer(containerId: string): void {
    for (const id of this.#byContainer.get(containerId) ?? []) this.#execs.delete(id)
    this.#byContainer.delete(containerId)
  }

  async #run(
    exec: ExecRecord,
    options: ExecStartOptions & { readonly attach: boolean },
  ): Promise<{ attachment: Attachment | null; done: Promise<void> }> {
    const { request, containerId } = exec
    const { status } = exec.state
    if (status === 'ended') throw new ConflictError(`exec command ${exec.id} has already run`)
    if (status !== 'created') throw new ConflictError(`exec command ${exec.id} is already running`)
    const record = this.#context.records.get(containerId)
    assertRuns(record)
    const { promise, resolve } = Promise.withResolvers<void>()
    exec.state = { status: 'starting', started: promise }
    const console = options.consoleSize ?? consoleSize(request.ConsoleSize ?? null)
    this.#publish(record, exec, { action: `exec_start: ${commandOf(exec)}` })
    try {
      const started = await this.#context.runtime.exec(containerId, {
        execId: exec.id,
        args: request.Cmd ?? [],
        env: [...withoutTerminal(record, request), ...(request.Env ?? [])],
        user: request.User || null,
        cwd: request.WorkingDir || null,
        tty: request.Tty === true,
        privileged: request.Privileged === true,
        stdin: options.attach && request.AttachStdin === true,
        attach: options.attach,
        size: console === null ? null : { rows: console[0], columns: console[1] },
      })
      exec.state = { status: 'running', pid: started.pid, attachment: started.attachment }
      const done = started.exited.then((exitCode) => this.#ended(exec, { pid: started.pid, exitCode }))
      return { attachment: started.attachment, done }
    } catch (error) {
      this.#ended(exec, { pid: 0, exitCode: error instanceof RuntimeFailure ? error.exitCode : 126 })
      throw error
    } finally {
      resolve()
    }
  }

  #ended(exec: ExecRecord, end: { readonly pid: number; readonly exitCode: number }): void {
    exec.state = { status: 'ended', ...end, endedAtMs: Date.now() }
    const record = this.#context.records.find(exec.containerId)
    if (record === null) return
    this.#publish(record, exec, { action: 'exec_die', attributes: { exitCode: String(end.exitCode) } })
  }

  #get(id: string): ExecRecord {
    const exec = this.#execs.get(id)
    if (exec === undefined) throw new NotFoundError(`No such exec instance: ${id}`)
    return exec
  }

  /** Forgets ends that are long ago. Execs are in the order of their creation: usually the first ones. */
  #forgetOld(): void {
    const limit = Date.now() - KEPT_MS
    for (const exec of this.#execs.values()) {
      if (exec.state.status !== 'ended' || exec.state.endedAtMs > limit) break
      this.#execs.delete(exec.id)
      this.#byContainer.get(exec.containerId)?.delete(exec.id)
    }
  }

  #publish(
    record: ContainerRecord,
    exec: ExecRecord,
    event: { readonly action: string; readonly attributes?: Readonly<Record<string, string>> },
  ): void {
    publishContainerEvent(this.#context.events, record, {
      action: event.action,
      attributes: { execID: exec.id, ...event.attributes },
    })
  }
}

/** TERM is a terminal's: an exec without one has not what the container got for its own. */
function withoutTerminal(record: ContainerRecord, request: ExecCreateRequest): readonly string[] {
  const isOwn = record.config.Env?.some((entry) => entry.startsWith('TERM=')) === true
  return record.config.Tty === true && request.Tty !== true && !isOwn ? ['TERM'] : []
}

function commandOf(exec: ExecRecord): string {
  return (exec.request.Cmd ?? []).join(' ')
}

function consoleSize(size: readonly number[] | null): readonly [number, number] | null {
  const [rows, columns] = size ?? []
  return rows === undefined || columns === undefined ? null : [rows, columns]
}

/** @throws ConflictError in Docker's words unless the container runs. */
export function assertRuns(record: ContainerRecord, reference: string = record.id): void {
  const { id, state } = record
  if (state.status === 'paused')
    throw new ConflictError(`Container ${reference} is paused, unpause the container before exec`)
  if (state.status === 'restarting') throw restarting(id)
  if (!isAlive(state)) throw new ConflictError(`container ${id} is not running`)
}

/** The end is told only after the exit code can be asked for: that is what clients do next. */
async function* framesOf(
  attachment: Attachment,
  options: { request: ExecCreateRequest; done: Promise<void>; isDetached: () => boolean },
): AsyncGenerator<StdioFrame> {
  try {
    for await (const chunk of attachment.output) {
      const wanted = chunk.stream === 'stdout' ? options.request.AttachStdout : options.request.AttachStderr
      if (wanted === true || options.request.Tty === true) yield chunk
    }
    if (!options.isDetached()) await options.done
  } finally {
    attachment[Symbol.dispose]()
  }
}

function stdinOf(attachment: Attachment): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      attachment.write(chunk).then(
        () => done(),
        // The process has ended: what is still typed goes nowhere, as in Docker.
        () => done(),
      )
    },
    final(done) {
      attachment.endStdin()
      done()
    },
  })
}
