import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Server as SecureServer } from 'node:https'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import type { Logger } from '#base/logger.ts'
import { ConflictError, InvalidArgumentError, errnoOf, messageOf } from '#errors/errors.ts'
import { API_SERVER_OPTIONS } from '#api/server.ts'
import type { ApiServer } from '#api/server.ts'
import type { DaemonConfig, TlsConfig } from './config.ts'

type AnyServer = Server | SecureServer

/** A socket to listen on, and the server that will. */
export interface PlannedListener {
  /** As `-H` writes it. */
  readonly address: string
  readonly target: Target
  readonly server: AnyServer
}

/**
 * Understands every address of the configuration; nothing is opened yet.
 * @throws InvalidArgumentError for an address that cannot be understood or may not be served, or TLS files that are missing
 */
export function planListeners(config: DaemonConfig): readonly PlannedListener[] {
  return config.hosts.flatMap((address) =>
    targetsOf(address, config).map((target) => ({
      address,
      target,
      server: target.tls === null ? createServer(API_SERVER_OPTIONS) : secureServer(target.tls),
    })),
  )
}

/**
 * Listens on what was planned, all or nothing.
 * @throws ConflictError when another daemon answers on a socket, InvalidArgumentError for an address that is not here
 */
export async function openListeners(
  api: ApiServer,
  planned: readonly PlannedListener[],
  options: { readonly group: string; readonly log: Logger },
): Promise<AsyncDisposable> {
  const open: PlannedListener[] = []
  const close = async (): Promise<void> => {
    await Promise.all(open.map(({ server }) => new Promise((resolve) => server.close(resolve))))
    for (const { target } of open) if (target.path !== null) rmSync(target.path, { force: true })
  }
  try {
    for (const listener of planned) {
      const { server, target, address } = listener
      api.serve(server)
      if (target.path !== null) await prepareSocket(target.path)
      await listen(server, target, address)
      if (target.path !== null) restrict(target.path, options.group, options.log)
      open.push(listener)
      options.log.info('API listen on', { address })
    }
  } catch (error) {
    await close()
    throw error
  }
  return { [Symbol.asyncDispose]: close }
}

interface Target {
  readonly path: string | null
  readonly fd: number | null
  readonly host: string
  readonly port: number
  readonly tls: TlsConfig | null
}

const NOWHERE: Target = { path: null, fd: null, host: '', port: 0, tls: null }

function targetsOf(host: string, config: DaemonConfig): Target[] {
  if (host.startsWith('unix://'))
    return [{ ...NOWHERE, path: host.slice('unix://'.length) || '/run/wharf/wharf.sock' }]
  if (host.startsWith('fd://')) return activated(host, config)
  if (host.startsWith('tcp://')) return [tcpTarget(host, config)]
  if (host.startsWith('/')) return [{ ...NOWHERE, path: host }]
  // `-H 0.0.0.0:2375`: what has no scheme is TCP, as in dockerd.
  if (!host.includes('://')) return [tcpTarget(`tcp://${host}`, config)]
  throw new InvalidArgumentError(`invalid bind address format: ${host}`)
}

function activated(host: string, config: DaemonConfig): Target[] {
  if (config.activationFds.length === 0) {
    throw new InvalidArgumentError(
      'no sockets found via socket activation: make sure the service was started by systemd',
    )
  }
  const which = host.slice('fd://'.length)
  const fds = which === '' || which === '*' ? config.activationFds : [Number(which)]
  return fds.map((fd) => {
    if (!config.activationFds.includes(fd)) {
      throw new InvalidArgumentError(`failed to find socket-activated file descriptor ${host}`)
    }
    return { ...NOWHERE, fd }
  })
}

function tcpTarget(host: string, config: DaemonConfig): Target {
  const match = /^tcp:\/\/(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/.exec(host)
  if (match === null) throw new InvalidArgumentError(`invalid bind address: ${host}`)
  if ((config.tls === null || !config.tls.verify) && !config.allowsOpenTcp) {
    throw new InvalidArgumentError(
      `refusing to serve ${host} without client certificates: whoever reaches it is root on this machine. ` +
        'Give --tlsverify with --tlscacert, --tlscert and --tlskey, or say --insecure-tcp-without-authentication',
    )
  }
  const [, name, port] = match as unknown as [string, string, string?]
  return {
    ...NOWHERE,
    host: name.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: Number(port ?? (config.tls === null ? 2375 : 2376)),
    tls: config.tls,
  }
}

function secureServer(tls: TlsConfig): SecureServer {
  const read = (path: string, what: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (error) {
      throw new InvalidArgumentError(`could not read ${what} ${path}: ${messageOf(error)}`, { cause: error })
    }
  }
  return createSecureServer({
    ...API_SERVER_OPTIONS,
    cert: read(tls.cert, 'certificate'),
    key: read(tls.key, 'key'),
    minVersion: 'TLSv1.2',
    ...(tls.verify && {
      ca: read(tls.caCert, 'CA certificate'),
      requestCert: true,
      rejectUnauthorized: true,
    }),
  })
}

/** A socket file that nobody answers on was left by a daemon that died. */
async function prepareSocket(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return
  if (await answers(path))
    throw new ConflictError(`can't create unix socket ${path}: a daemon is listening on it`)
  rmSync(path, { force: true })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error) => {
      const code = errnoOf(error)
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT' && code !== 'ENOTSOCK')
    })
  })
}

function listen(server: AnyServer, target: Target, host: string): Promise<void> {
  // Between bind and chmod the socket must not be open to others.
  const umask = process.umask(0o177)
  return new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new InvalidArgumentError(`failed to load listeners: ${host}: ${error.message}`, { cause: error }),
      ),
    )
    server.once('listening', resolve)
    if (target.path !== null) server.listen(target.path)
    else if (target.fd !== null) server.listen({ fd: target.fd })
    else server.listen(target.port, target.host)
  }).finally(() => process.umask(umask))
}

function restrict(path: string, group: string, log: Logger): void {
  const gid = groupId(group)
  if (gid === null) log.debug('the socket belongs to root alone', { group, reason: 'no such group' })
  else chownSync(path, 0, gid)
  chmodSync(path, 0o660)
}

function groupId(group: string): number | null {
  if (/^\d+$/.test(group)) return Number(group)
  try {
    for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
      const [name, , gid] = line.split(':')
      if (name === group && gid !== undefined) return Number(gid)
    }
  } catch {
    // A machine without /etc/group has no groups by name.
  }
  return null
}
