import type { TlsFiles } from '#client/endpoint.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import { existsSync } from 'node:fs'
import { DEFAULT_HOST } from '../config.ts'
import type { CliConfig } from '../config.ts'
import { contextTlsFiles, readContext } from './store.ts'

/** Which daemon a command talks to. */
export interface ResolvedEndpoint {
  readonly context: string
  readonly host: string
  readonly tls: TlsFiles | null
}

interface Choice {
  readonly globals: Readonly<Record<string, unknown>>
  readonly config: CliConfig
}

/** The context in use: `--context`, then `-H` and DOCKER_HOST (which mean the default one), DOCKER_CONTEXT, config.json. */
export function currentContext({ globals, config }: Choice): string {
  const named = (globals['context'] as string | undefined) ?? ''
  const hosts = (globals['host'] as readonly string[] | undefined) ?? []
  if (named !== '' && hosts.length > 0)
    throw new InvalidArgumentError('conflicting options: cannot specify both --host and --context')
  if (named !== '') return named
  if (hosts.length > 0 || config.dockerHost !== '') return 'default'
  if (config.dockerContext !== '') return config.dockerContext
  return config.file.currentContext ?? 'default'
}

/** Finds the daemon's address and TLS files. */
export function resolveEndpoint({ globals, config }: Choice): ResolvedEndpoint {
  const context = currentContext({ globals, config })
  if (context !== 'default' && context !== '') return fromContext(context, config)
  const hosts = (globals['host'] as readonly string[] | undefined) ?? []
  if (hosts.length > 1) throw new InvalidArgumentError('specify only one -H')
  const host = hosts[0] ?? (config.dockerHost === '' ? DEFAULT_HOST : config.dockerHost)
  return { context: 'default', host, tls: tlsOf({ globals, config }) }
}

function tlsOf({ globals, config }: Choice): TlsFiles | null {
  const verify = globals['tlsverify'] === true || config.tlsVerify
  if (!verify && globals['tls'] !== true) return null
  const folder = config.certPath === '' ? config.directory : config.certPath
  const file = (flag: string, name: string) => {
    const given = globals[flag] as string | undefined
    if (given !== undefined && given !== '') return given
    return existsSync(`${folder}/${name}`) ? `${folder}/${name}` : null
  }
  return {
    ca: file('tlscacert', 'ca.pem'),
    cert: file('tlscert', 'cert.pem'),
    key: file('tlskey', 'key.pem'),
    verify,
  }
}

function fromContext(name: string, config: CliConfig): ResolvedEndpoint {
  const endpoint = readContext(config, name).Endpoints['docker']
  if (endpoint === undefined) throw new InvalidArgumentError(`no docker endpoint in context "${name}"`)
  const files = contextTlsFiles(config, name)
  const hasTls = files.ca !== null || files.cert !== null
  const host = endpoint.Host === undefined || endpoint.Host === '' ? DEFAULT_HOST : endpoint.Host
  return { context: name, host, tls: hasTls ? { ...files, verify: endpoint.SkipTLSVerify !== true } : null }
}
