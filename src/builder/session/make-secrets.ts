import { chmod } from 'node:fs/promises'
import { type IdMap, mappedRoot, ownerOnHost } from '#base/id-map.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Mount } from '#spec/docker/host-config.ts'
import type { RunMount } from '../ops/run-mounts.ts'
import type { ClientSession } from './client-session.ts'
import { openSecretDirectory } from './secret-directory.ts'
import { fetchSecret, openAgentSocket, writeSecret } from './secret-mounts.ts'

/** What secrets and agents come to for a command. */
export interface MadeSecrets {
  readonly mounts: readonly Mount[]
  /** Variables that hold nothing secret. */
  readonly env: readonly string[]
  /** A file in the container that sets the variables which do; null for none. */
  readonly environmentFile: string | null
}

/** Where a command finds its secret variables: a shell reads the file, so no configuration ever holds them. */
const ENVIRONMENT_FILE = '/run/.secret-environment'

/** Makes the `type=secret` and `type=ssh` mounts of a command, in a directory in memory that lives as long as it. */
export async function makeSecrets(
  wanted: readonly RunMount[],
  at: {
    readonly sources: {
      readonly session: ClientSession | null
      readonly secretRoot: string
      readonly ids: IdMap | null
    }
    readonly held: AsyncDisposableStack
    readonly signal: AbortSignal
  },
): Promise<MadeSecrets> {
  const mounts: Mount[] = []
  const env: string[] = []
  const variables: string[] = []
  const { ids } = at.sources
  const secret = wanted
    .filter((mount) => mount.type === 'secret' || mount.type === 'ssh')
    .map((mount) => ({ ...mount, ...ownerOnHost(ids, mount) }))
  if (secret.length === 0) return { mounts, env, environmentFile: null }
  const { session, secretRoot } = at.sources
  const { path: directory } = at.held.use(await openSecretDirectory(secretRoot))
  const bind = (Source: string, Target: string): void => {
    mounts.push({ Type: 'bind', Source, Target, ReadOnly: false })
  }
  for (const [index, mount] of secret.entries()) {
    const name = `${mount.type}-${index}`
    if (mount.type === 'ssh') {
      const socket = await openAgentSocket(mount, { directory, name, session, signal: at.signal })
      if (socket === null) continue
      at.held.use(socket)
      const target = numbered(mount.target as string, env.length)
      bind(socket.path, target)
      env.push(`SSH_AUTH_SOCK=${target}`)
      continue
    }
    const bytes = await fetchSecret(mount, session, at.signal)
    if (bytes === null) continue
    if (mount.env !== null && !/^[A-Za-z_]\w*$/.test(mount.env))
      throw new InvalidArgumentError(
        `invalid environment variable name for a secret: ${JSON.stringify(mount.env)}`,
      )
    if (mount.env !== null) variables.push(`export ${mount.env}=${shellQuoted(bytes.toString('utf8'))}\n`)
    if (mount.target !== null) bind(await writeSecret(bytes, { directory, name, mount }), mount.target)
  }
  if (variables.length === 0) return { mounts, env, environmentFile: null }
  const mount = { ...(secret[0] as RunMount), mode: 0o444, ...mappedRoot(ids) }
  const path = await writeSecret(Buffer.from(variables.join('')), { directory, name: 'environment', mount })
  await chmod(path, 0o444)
  bind(path, ENVIRONMENT_FILE)
  return { mounts, env, environmentFile: ENVIRONMENT_FILE }
}

/** A second agent at the default path gets the next number. */
function numbered(target: string, index: number): string {
  return target === '/run/buildkit/ssh_agent.0' ? `/run/buildkit/ssh_agent.${index}` : target
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
