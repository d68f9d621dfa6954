import { closeSync, fstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownerOnHost } from '#base/id-map.ts'
import { NotFoundError } from '#errors/errors.ts'
import { openBeneath } from '#kernel/paths.ts'
import { restoreNullDevice } from '#kernel/device-nodes.ts'
import { watchProcess } from '#kernel/processes.ts'
import { AttachConnection } from './attach-connection.ts'
import { startMonitor, type Monitor } from './conmon.ts'
import { execFailure } from './failure-texts.ts'
import { giveStreams } from './give-streams.ts'
import { resizeTerminal, type OciContainer } from './oci-container.ts'
import type { Attachment, ExecProcess, ExecRequest, TerminalSize } from './runtime.ts'
import { RuntimeFailure } from './runtime-failure.ts'
import { capabilitySets } from './spec/capabilities.ts'
import { mergeEnvironment } from './spec/environment.ts'
import type { OciProcess } from './spec/oci-spec.ts'
import { resolveUser } from './spec/user.ts'
import { readUserDatabase } from './user-database.ts'

/** A monitor that died; Docker's code for a process ended by SIGKILL. */
const KILLED = 137

export interface ExecContext {
  readonly conmon: string
  readonly stateRoot: string
  readonly temporary: string
  /** What `--privileged` gives. */
  readonly allCapabilities: readonly string[]
}

/** The execs that run in containers, each with a conmon of its own. They end with their process, not with us. */
export class ExecSessions {
  readonly #sessions = new Map<string, { readonly bundle: string; readonly pid: number }>()

  /** Starts a process in a container. @throws RuntimeFailure, InvalidArgumentError */
  async start(container: OciContainer, request: ExecRequest, context: ExecContext): Promise<ExecProcess> {
    const process = execProcess(container, request, context.allCapabilities)
    const bundle = container.bundle.exec(request.execId)
    mkdirSync(bundle, { recursive: true, mode: 0o700 })
    const specFile = join(bundle, 'process.json')
    writeFileSync(specFile, JSON.stringify(process), { mode: 0o600 })
    const monitor = startMonitor({
      ...context,
      engine: container.engine,
      containerId: container.id,
      bundle,
      pidFile: join(bundle, 'pid'),
      logPath: null,
      tty: request.tty,
      stdin: request.stdin,
      keepStdin: false,
      exitDirectory: null,
      execSpec: specFile,
      attach: request.attach,
      hold: false,
    })
    const key = sessionKey(container.id, request.execId)
    void monitor.process.exited.then(() => {
      this.#sessions.delete(key)
      rmSync(bundle, { recursive: true, force: true })
    })
    const attachment = request.attach ? await attachTo(monitor, bundle, request.stdin) : null
    const ids = container.bundle.readIdMap()
    if (ids !== null && request.attach) giveStreams(monitor.process.pid, ownerOnHost(ids, process.user))
    const pid = await this.#started(monitor, attachment, { process, root: rootOf(container) })
    this.#sessions.set(key, { bundle, pid })
    return { pid, attachment, exited: exitCode(monitor) }
  }

  resize(id: string, execId: string, size: TerminalSize): void {
    resizeTerminal(this.#get(id, execId).bundle, size)
  }

  kill(id: string, execId: string, signal: number): void {
    using process = watchProcess(this.#get(id, execId).pid, { keepAlive: false })
    process?.signal(signal)
  }

  async #started(
    monitor: Monitor,
    attachment: Attachment | null,
    { process, root }: { readonly process: OciProcess; readonly root: string },
  ): Promise<number> {
    monitor.release()
    const message = await monitor.next()
    restoreNullDevice()
    if (message !== null && message.data > 0) return message.data
    attachment?.[Symbol.dispose]()
    monitor.close()
    const program = process.args[0] ?? ''
    // crun only says that it may not be executed.
    const output = isDirectory(root, program) ? `exec: "": is a directory` : (message?.message ?? '')
    throw execFailure(output, program)
  }

  #get(id: string, execId: string): { readonly bundle: string; readonly pid: number } {
    const session = this.#sessions.get(sessionKey(id, execId))
    if (session === undefined) throw new NotFoundError(`No such exec instance: ${execId}`)
    return session
  }
}

function rootOf({ pid }: OciContainer): string {
  return `/proc/${String(pid)}/root`
}

function isDirectory(root: string, path: string): boolean {
  if (!path.startsWith('/')) return false
  try {
    const fd = openBeneath(root, path)
    try {
      return fstatSync(fd).isDirectory()
    } finally {
      closeSync(fd)
    }
  } catch {
    // It is not there, or the container has ended: then the runtime has said so.
    return false
  }
}

function sessionKey(id: string, execId: string): string {
  return `${id}/${execId}`
}

async function attachTo(monitor: Monitor, bundle: string, stdin: boolean): Promise<Attachment | null> {
  await monitor.attachable
  try {
    return new AttachConnection(join(bundle, 'attach'), {
      stdin: stdin ? 'once' : 'none',
      onClosed: () => {},
    }).open()
  } catch (error) {
    monitor.close()
    throw new RuntimeFailure('OCI runtime exec failed: its monitor ended before the process ran', {
      exitCode: 128,
      cause: error,
    })
  }
}

async function exitCode(monitor: Monitor): Promise<number> {
  const message = await monitor.next()
  monitor.close()
  return message?.data ?? KILLED
}

/** The process of an exec: the container's, with what the request changes. */
function execProcess(container: OciContainer, request: ExecRequest, all: readonly string[]): OciProcess {
  const base = container.bundle.readProcess()
  if (base === null) throw new NotFoundError(`No such container: ${container.id}`)
  const root = rootOf(container)
  const { consoleSize: _, ...inherited } = base
  const size = request.size ?? null
  return {
    ...inherited,
    terminal: request.tty,
    ...(request.tty && size !== null ? { consoleSize: { height: size.rows, width: size.columns } } : {}),
    user:
      request.user === null || request.user === ''
        ? base.user
        : resolveUser(request.user, [], readUserDatabase(root)),
    args: request.args,
    env: mergeEnvironment([...base.env, ...(request.tty ? ['TERM=xterm'] : [])], request.env),
    cwd: request.cwd === null || request.cwd === '' ? base.cwd : request.cwd,
    ...(request.privileged ? { capabilities: capabilitySets(all) } : {}),
  }
}
