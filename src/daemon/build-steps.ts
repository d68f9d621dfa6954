import type { ContainerLifecycle, ContainerStreams } from '#api/backends.ts'
import { newId } from '#base/ids.ts'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import type { BuildRoots, StepCommand, StepContainers, StepListener, StepOutcome } from '#builder/needs.ts'
import type { Snapshots } from '#images/snapshots.ts'
import { findStubs, removeStubs } from './mount-stubs.ts'

/** Runs the commands of builds as containers: the builder's interface on that of the containers. */
export function createBuildSteps(
  containers: ContainerLifecycle & ContainerStreams,
  snapshots: Snapshots,
): StepContainers {
  return {
    async run(command, listener, signal) {
      signal.throwIfAborted()
      const { Id: id } = await containers.create(createRequest(command), { name: '', platform: null })
      await using held = new AsyncDisposableStack()
      let isKept = false
      held.defer(async () => {
        if (!isKept) await containers.remove(id, { force: true, removeVolumes: true, removeLink: false })
      })
      listener.created(id)
      const targets = mountTargets(command)
      const stubs = targets.length === 0 ? [] : findStubs(await snapshots.mount(id), targets)
      const exitCode = await runToEnd(id, { containers, listener, signal })
      if (stubs.length > 0) removeStubs(await snapshots.mount(id), stubs)
      isKept = command.keep && exitCode === 0
      const kept = held.move()
      return outcomeOf(id, { exitCode, snapshots, kept })
    },
  }
}

function createRequest(command: StepCommand) {
  return {
    Image: command.image,
    Cmd: command.argv,
    Env: command.env,
    User: command.user,
    WorkingDir: command.workdir,
    Labels: command.labels,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: command.hostConfig,
  }
}

function mountTargets({ hostConfig }: StepCommand): readonly string[] {
  return [
    ...(hostConfig.Mounts ?? []).map((mount) => mount.Target as string),
    ...Object.keys(hostConfig.Tmpfs ?? {}),
  ]
}

async function runToEnd(
  id: string,
  at: {
    readonly containers: ContainerLifecycle & ContainerStreams
    readonly listener: StepListener
    readonly signal: AbortSignal
  },
): Promise<number> {
  const { containers, listener, signal } = at
  const session = await containers.attach(id, {
    stdin: false,
    stdout: true,
    stderr: true,
    stream: true,
    logs: false,
    detachKeys: null,
    signal,
  })
  const { result } = await containers.wait(id, 'next-exit', { signal })
  await containers.start(id, { detachKeys: null }).catch((cause: unknown) => {
    // The exit code that a failed start stands for is that of no command.
    throw new InvalidArgumentError(messageOf(cause), { cause })
  })
  const told = (async () => {
    for await (const frame of session.frames) listener.output(frame.stream, frame.bytes)
    return await result
  })()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  try {
    // Whoever cancels does not wait for what the command still has to say; removing its container kills it.
    const { StatusCode } = await Promise.race([told, aborted])
    signal.throwIfAborted()
    return StatusCode
  } finally {
    signal.removeEventListener('abort', abort)
    aborted.catch(() => undefined)
    told.catch(() => undefined)
  }
}

function outcomeOf(
  id: string,
  made: { readonly exitCode: number; readonly snapshots: Snapshots; readonly kept: AsyncDisposableStack },
): StepOutcome {
  return {
    containerId: id,
    exitCode: made.exitCode,
    commit: async (options) => await made.snapshots.commit(id, options),
    [Symbol.asyncDispose]: () => made.kept.disposeAsync(),
  }
}

/** Mounted roots for builds: snapshots that nobody keeps. A dead daemon's are removed as snapshots without an owner. */
export function createBuildRoots(snapshots: Snapshots): BuildRoots {
  return {
    async mount(layers, { mapped = false } = {}) {
      const id = newId()
      await snapshots.prepare(id, { layers, mapped, bare: true })
      try {
        const root = await snapshots.mount(id)
        return { root, [Symbol.asyncDispose]: () => snapshots.remove(id) }
      } catch (error) {
        await snapshots.remove(id)
        throw error
      }
    },
  }
}
