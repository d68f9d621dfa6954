import { readFileSync } from 'node:fs'

/** Everything that the environment says to the command line, read once; nothing else looks at `process.env`. */
export interface CliConfig {
  readonly home: string
  /** The folder of config.json and contexts. */
  readonly directory: string
  readonly dockerHost: string
  readonly dockerContext: string
  readonly apiVersion: string
  readonly tlsVerify: boolean
  readonly certPath: string
  readonly defaultPlatform: string
  readonly hideLegacyCommands: boolean
  readonly noColor: boolean
  readonly columns: number | null
  readonly buildkit: string
  readonly path: string
  /** The environment that child processes and `--env NAME` take values from. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** config.json, read when first asked for. */
  readonly file: ConfigFile
}

/** The part of config.json that Wharf understands; the rest is kept when it is written. */
export interface ConfigFile {
  auths?: Record<
    string,
    {
      auth?: string
      identitytoken?: string
      registrytoken?: string
      email?: string
      username?: string
      password?: string
    }
  >
  credsStore?: string
  credHelpers?: Record<string, string>
  currentContext?: string
  detachKeys?: string
  psFormat?: string
  imagesFormat?: string
  networksFormat?: string
  volumesFormat?: string
  statsFormat?: string
  HttpHeaders?: Record<string, string>
  proxies?: Record<string, Record<string, string>>
  [other: string]: unknown
}

/** The default address of the daemon. */
export const DEFAULT_HOST = 'unix:///run/wharf/wharf.sock'

/** Reads the environment. `directory` is `--config`. */
export function readCliConfig(directory: string | null): CliConfig {
  const env = process.env
  const home = env['HOME'] ?? '/root'
  const folder = directory ?? nonEmpty(env['DOCKER_CONFIG']) ?? `${home}/.docker`
  let file: ConfigFile | null = null
  return {
    home,
    directory: folder,
    dockerHost: env['DOCKER_HOST'] ?? '',
    dockerContext: env['DOCKER_CONTEXT'] ?? '',
    apiVersion: env['DOCKER_API_VERSION'] ?? '',
    tlsVerify: (env['DOCKER_TLS_VERIFY'] ?? '') !== '',
    certPath: env['DOCKER_CERT_PATH'] ?? '',
    defaultPlatform: env['DOCKER_DEFAULT_PLATFORM'] ?? '',
    hideLegacyCommands: (env['DOCKER_HIDE_LEGACY_COMMANDS'] ?? '') !== '',
    noColor: (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb',
    columns: env['COLUMNS'] === undefined ? null : Number(env['COLUMNS']) || null,
    buildkit: env['DOCKER_BUILDKIT'] ?? '',
    path: env['PATH'] ?? '',
    environment: env,
    get file() {
      file ??= readConfigFile(folder)
      return file
    },
  }
}

const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

function readConfigFile(directory: string): ConfigFile {
  const path = `${directory}/config.json`
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    // Without a readable file everything has its default; `docker` does not complain either.
    return {}
  }
  try {
    return JSON.parse(text) as ConfigFile
  } catch (error) {
    process.stderr.write(
      `WARNING: Error loading config file: ${path}: ${error instanceof Error ? error.message : String(error)}\n`,
    )
    return {}
  }
}
