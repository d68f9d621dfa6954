import { chmod, chown, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'
import type { RunMount } from '../ops/run-mounts.ts'
import type { ClientSession } from './client-session.ts'

/** The longest secret, as BuildKit has it. */
const MAX_SECRET_BYTES = 500 * 1024

/** The bytes of a secret; null where the client has none and the mount does not need it. */
export async function fetchSecret(
  mount: RunMount,
  session: ClientSession | null,
  signal: AbortSignal,
): Promise<Buffer | null> {
  const connection = await askFor(mount, { session, signal, problem: `secret ${mount.id}: not found` })
  if (connection === null) return null
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of connection) {
    sizeBytes += (chunk as Buffer).length
    if (sizeBytes > MAX_SECRET_BYTES) {
      connection.destroy()
      throw new InvalidArgumentError(`secret ${mount.id} is larger than ${MAX_SECRET_BYTES} bytes`)
    }
    chunks.push(chunk as Buffer)
  }
  connection.end()
  return Buffer.concat(chunks)
}

/** Writes a secret's file, as the mount says it shall be. `directory` is in memory. */
export async function writeSecret(
  bytes: Uint8Array,
  at: { readonly directory: string; readonly name: string; readonly mount: RunMount },
): Promise<string> {
  const path = join(at.directory, at.name)
  await writeFile(path, bytes, { mode: 0o600, flag: 'wx' })
  await give(path, at.mount, 0o400)
  return path
}

async function give(path: string, mount: RunMount, mode: number): Promise<void> {
  await chown(path, mount.uid, mount.gid)
  await chmod(path, mount.mode ?? mode)
}

/** An agent's socket in a directory: each connection to it is one to the client's agent. */
export async function openAgentSocket(
  mount: RunMount,
  at: {
    readonly directory: string
    readonly name: string
    readonly session: ClientSession | null
    readonly signal: AbortSignal
  },
): Promise<({ readonly path: string } & AsyncDisposable) | null> {
  const { session, signal } = at
  // Whether there is one is known before the command runs, not when it first asks.
  const first = await askFor(mount, {
    session,
    signal,
    problem: `no SSH key "${mount.id}" forwarded from the client`,
  })
  if (first === null) return null
  const path = join(at.directory, at.name)
  const open = new Set<Duplex>([first])
  let ready: Duplex | null = first
  first.on('error', () => first.destroy()).pause()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    const taken = ready
    ready = null
    const agent =
      taken === null ? (session as ClientSession).ask('ssh', mount.id, signal) : Promise.resolve(taken)
    agent.then(
      (connection) => joinStreams(socket, connection, open),
      () => socket.destroy(),
    )
  })
  await listen(server, path)
  await give(path, mount, 0o600)
  return {
    path,
    async [Symbol.asyncDispose]() {
      for (const connection of open) connection.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function joinStreams(socket: Socket, agent: Duplex, open: Set<Duplex>): void {
  open.add(agent)
  for (const [from, to] of [
    [socket, agent],
    [agent, socket],
  ] as const) {
    from.on('error', () => to.destroy())
    from.on('close', () => open.delete(from))
    from.pipe(to)
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
}

async function askFor(
  mount: RunMount,
  at: { readonly session: ClientSession | null; readonly signal: AbortSignal; readonly problem: string },
): Promise<Duplex | null> {
  const { session, signal } = at
  try {
    if (session !== null) return await session.ask(mount.type === 'ssh' ? 'ssh' : 'secret', mount.id, signal)
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
  }
  if (mount.required) throw new InvalidArgumentError(at.problem)
  return null
}
