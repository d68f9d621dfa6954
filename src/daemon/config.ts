import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { IdMap } from '#base/id-map.ts'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { parseCluster } from '#network/overlay/cluster-options.ts'
import type { ClusterOptions } from '#network/overlay/cluster-options.ts'
import type { LogLevel } from '#base/logger.ts'
import { CDI_DIRECTORIES } from '#runtime/cdi/cdi-devices.ts'
import { parseRuntimeSetting, type RuntimeSetting } from './runtime-setting.ts'
import { mergeSettings, readConfigFile } from './config-file.ts'
import type { CommandLine } from './flags.ts'
import { SETTINGS } from './settings.ts'
import type { SettingValue, SettingValues } from './settings.ts'

const DEFAULT_FILE = '/etc/wharf/daemon.json'
const DEFAULT_HOST = 'unix:///run/wharf/wharf.sock'

export interface TlsConfig {
  readonly verify: boolean
  readonly caCert: string
  readonly cert: string
  readonly key: string
}

/** What can change while the daemon runs (SIGHUP). */
export interface ReloadableConfig {
  readonly debug: boolean
  readonly logLevel: LogLevel
  readonly labels: readonly string[]
  readonly insecureRegistries: readonly string[]
  readonly registryMirrors: readonly string[]
}

/** The daemon's configuration, read once; all of it has its kind checked and its default filled in. */
export interface DaemonConfig extends ReloadableConfig {
  readonly file: string
  /** What flags and file say, as it was written, by key. */
  readonly settings: SettingValues
  readonly dataRoot: string
  readonly execRoot: string
  readonly pidfile: string
  readonly hosts: readonly string[]
  readonly group: string
  readonly logFormat: 'text' | 'json'
  readonly traceFile: string | null
  readonly tls: TlsConfig | null
  readonly allowsOpenTcp: boolean
  readonly authorizationPlugins: readonly string[]
  readonly metricsAddress: string | null
  readonly storageDriver: string | null
  readonly bridge: {
    readonly name: string
    readonly bip: string | null
    readonly fixedCidr: string | null
    readonly ipv6: boolean
    readonly bip6: string | null
    readonly fixedCidr6: string | null
    readonly gateway: string | null
    readonly gateway6: string | null
    readonly mtu: number | null
    readonly icc: boolean
    readonly masquerade: boolean
    readonly defaultIp: string
  }
  /** What new networks of a driver are told when their maker says nothing else. */
  readonly networkDefaults: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly ipForward: boolean
  readonly firewallBackend: 'nftables' | 'iptables' | 'iptables-nft' | 'iptables-legacy'
  readonly iptables: boolean
  readonly ip6tables: boolean
  readonly allowDirectRouting: boolean
  readonly userlandProxy: boolean
  readonly addressPools: readonly { readonly base: string; readonly size: number }[] | null
  readonly dns: {
    readonly servers: readonly string[]
    readonly options: readonly string[]
    readonly search: readonly string[]
  }
  readonly hostGatewayIp: string | null
  /** Null: this host is in no cluster. */
  readonly cluster: ClusterOptions | null
  readonly defaultRuntime: string | null
  readonly runtimes: Readonly<Record<string, { readonly path: string; readonly args: readonly string[] }>>
  /** By dockerd's names; `time-namespaces` is the only one that changes anything. */
  readonly features: Readonly<Record<string, unknown>>
  /** `builder` as daemon.json has it; the builder reads it. */
  readonly builder: unknown
  readonly experimental: boolean
  /** `userns-remap` as it was given. */
  readonly usernsRemap: string | null
  /** The ids that it stands for: known when the daemon starts. */
  readonly remap: { readonly ids: IdMap } | null
  readonly cgroupParent: string | null
  readonly cgroupDriver: 'cgroupfs' | 'systemd' | null
  readonly cgroupnsMode: 'private' | 'host' | null
  readonly ipcMode: 'private' | 'shareable'
  readonly shmSizeBytes: number
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[]
  /** Empty for the usual directories. */
  readonly cdiSpecDirs: readonly string[]
  readonly init: boolean
  readonly initPath: string | null
  readonly noNewPrivileges: boolean
  readonly seccompProfile: string | null
  readonly logDriver: string
  /** Variables that log drivers of clouds take credentials from. */
  readonly logEnvironment: Readonly<Record<string, string>>
  readonly logOptions: Readonly<Record<string, string>>
  readonly maxConcurrentDownloads: number
  readonly maxConcurrentUploads: number
  readonly maxDownloadAttempts: number
  readonly proxies: {
    readonly http: string | null
    readonly https: string | null
    readonly noProxy: string | null
  }
  /** Failpoints to arm (WHARF_FAILPOINTS), empty for none. */
  readonly failpoints: string
  /** Sockets handed over by systemd, as file descriptors. */
  readonly activationFds: readonly number[]
}

/**
 * Reads flags, file and environment into a configuration.
 * @throws InvalidArgumentError for what cannot be understood, contradicts itself, or is not supported
 */
export function readConfig(
  commandLine: CommandLine,
  environment: NodeJS.ProcessEnv = process.env,
): DaemonConfig {
  const file = commandLine.configFile ?? DEFAULT_FILE
  const fromFile = readConfigFile(file, { required: commandLine.configFile !== null })
  const values = mergeSettings(commandLine.values, fromFile, file)
  refuseUnsupported(values)
  return { file, settings: values, ...configOf(new Reader(values), environment) }
}

function configOf(reader: Reader, environment: NodeJS.ProcessEnv): Omit<DaemonConfig, 'file' | 'settings'> {
  const dataRoot = reader.path('data-root', '/var/lib/wharf')
  const execRoot = reader.path('exec-root', '/run/wharf')
  return {
    ...reloadableOf(reader),
    dataRoot,
    execRoot,
    pidfile: reader.path('pidfile', '/run/wharf.pid'),
    hosts: reader.list('hosts').length === 0 ? [DEFAULT_HOST] : reader.list('hosts'),
    group: reader.text('group') ?? 'docker',
    logFormat: reader.oneOf('log-format', ['text', 'json'], 'text'),
    traceFile: reader.text('trace'),
    tls: tlsOf(reader),
    allowsOpenTcp: reader.boolean('insecure-tcp-without-authentication', false),
    authorizationPlugins: reader.list('authorization-plugins'),
    metricsAddress: reader.text('metrics-addr'),
    storageDriver: reader.text('storage-driver'),
    bridge: {
      name: reader.text('bridge') ?? 'wharf0',
      bip: reader.text('bip'),
      fixedCidr: reader.text('fixed-cidr'),
      ipv6: reader.boolean('ipv6', false),
      bip6: reader.text('bip6'),
      fixedCidr6: reader.text('fixed-cidr-v6'),
      gateway: reader.address('default-gateway'),
      gateway6: reader.address('default-gateway-v6'),
      mtu: reader.integer('mtu'),
      icc: reader.boolean('icc', true),
      masquerade: reader.boolean('ip-masq', true),
      defaultIp: reader.address('ip') ?? '0.0.0.0',
    },
    networkDefaults: reader.networkDefaults(),
    ipForward: reader.boolean('ip-forward', true),
    firewallBackend: reader.oneOf(
      'firewall-backend',
      ['nftables', 'iptables', 'iptables-nft', 'iptables-legacy'],
      'nftables',
    ),
    iptables: reader.boolean('iptables', true),
    ip6tables: reader.boolean('ip6tables', true),
    allowDirectRouting: reader.boolean('allow-direct-routing', false),
    userlandProxy: reader.boolean('userland-proxy', true),
    addressPools: reader.pools(),
    dns: { servers: reader.list('dns'), options: reader.list('dns-opts'), search: reader.list('dns-search') },
    hostGatewayIp: reader.text('host-gateway-ip'),
    cluster: clusterOf(reader),
    defaultRuntime: reader.text('default-runtime'),
    runtimes: reader.runtimes(),
    features: reader.object<Record<string, unknown>>('features') ?? {},
    builder: reader.object<Record<string, unknown>>('builder') ?? {},
    experimental: reader.boolean('experimental', false),
    usernsRemap: reader.text('userns-remap'),
    remap: null,
    cgroupParent: reader.text('cgroup-parent'),
    cgroupDriver: cgroupDriverOf(reader.list('exec-opts')),
    cgroupnsMode:
      reader.text('default-cgroupns-mode') === null
        ? null
        : reader.oneOf('default-cgroupns-mode', ['private', 'host'], 'private'),
    ipcMode: reader.oneOf('default-ipc-mode', ['private', 'shareable'], 'private'),
    shmSizeBytes: sizeOf('default-shm-size', reader.text('default-shm-size') ?? '64M'),
    ulimits: reader.ulimits(),
    cdiSpecDirs: cdiSpecDirsOf(reader),
    init: reader.boolean('init', false),
    initPath: reader.text('init-path'),
    noNewPrivileges: reader.boolean('no-new-privileges', false),
    seccompProfile: reader.text('seccomp-profile'),
    logDriver: reader.text('log-driver') ?? 'json-file',
    logOptions: reader.object<Record<string, string>>('log-opts') ?? {},
    maxConcurrentDownloads: reader.positive('max-concurrent-downloads', 3),
    maxConcurrentUploads: reader.positive('max-concurrent-uploads', 5),
    maxDownloadAttempts: reader.positive('max-download-attempts', 5),
    proxies: proxiesOf(reader, environment),
    logEnvironment: logEnvironment(environment),
    failpoints: environment['WHARF_FAILPOINTS'] ?? '',
    activationFds: activationFds(environment),
  }
}

function reloadableOf(reader: Reader): ReloadableConfig {
  const debug = reader.boolean('debug', false)
  const level = reader.oneOf('log-level', ['debug', 'info', 'warn', 'error', 'fatal'], 'info')
  for (const label of reader.list('labels')) {
    if (!/^[^=\s]+=/.test(label)) throw new InvalidArgumentError(`bad attribute format: ${label}`)
  }
  return {
    debug,
    logLevel: debug ? 'debug' : level,
    labels: reader.list('labels'),
    insecureRegistries: reader.list('insecure-registries'),
    registryMirrors: reader.list('registry-mirrors'),
  }
}

function tlsOf(reader: Reader): TlsConfig | null {
  const verify = reader.boolean('tlsverify', false)
  const given = ['tlscacert', 'tlscert', 'tlskey'].some((key) => reader.text(key) !== null)
  if (!verify && !reader.boolean('tls', false)) {
    if (given) throw new InvalidArgumentError('TLS files are given, but neither --tls nor --tlsverify is')
    return null
  }
  return {
    verify,
    caCert: reader.text('tlscacert') ?? '/etc/wharf/ca.pem',
    cert: reader.text('tlscert') ?? '/etc/wharf/cert.pem',
    key: reader.text('tlskey') ?? '/etc/wharf/key.pem',
  }
}

function clusterOf(reader: Reader): ClusterOptions | null {
  const store = reader.text('cluster-store')
  const advertise = reader.text('cluster-advertise') ?? ''
  const options = reader.object<Record<string, string>>('cluster-store-opts') ?? {}
  if (store !== null) return parseCluster({ store, advertise, options }, readPem)
  if (advertise === '' && Object.keys(options).length === 0) return null
  throw new InvalidArgumentError('cluster-advertise and cluster-store-opts need cluster-store')
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new InvalidArgumentError(`cannot read ${path} of cluster-store-opts: ${messageOf(cause)}`, {
      cause,
    })
  }
}

function proxiesOf(reader: Reader, environment: NodeJS.ProcessEnv): DaemonConfig['proxies'] {
  const object = reader.object<Record<string, string>>('proxies') ?? {}
  const pick = (key: string, variable: string): string | null =>
    reader.text(key) ?? object[key] ?? environment[variable] ?? environment[variable.toLowerCase()] ?? null
  return {
    http: pick('http-proxy', 'HTTP_PROXY') || null,
    https: pick('https-proxy', 'HTTPS_PROXY') || null,
    noProxy: pick('no-proxy', 'NO_PROXY') || null,
  }
}

/** What log drivers of clouds take credentials and places from, and nothing else. */
function logEnvironment(environment: NodeJS.ProcessEnv): DaemonConfig['logEnvironment'] {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] =>
        /^(AWS_|GOOGLE_|GCE_|HOME$)/.test(entry[0]) && entry[1] !== undefined,
    ),
  )
}

/** sd_listen_fds(3): descriptors from 3 on, meant for this process alone. */
function activationFds(environment: NodeJS.ProcessEnv): number[] {
  const count = Number(environment['LISTEN_FDS'] ?? '0')
  if (environment['LISTEN_PID'] !== String(process.pid) || !Number.isSafeInteger(count)) return []
  return Array.from({ length: count }, (_, index) => 3 + index)
}

function refuseUnsupported(values: SettingValues): void {
  for (const setting of SETTINGS) {
    const value = values.get(setting.key)
    if (setting.refused === undefined || value === undefined) continue
    // What dockerd has by default is no request: configurations often spell it out.
    const isDefault = value === false || value === ''
    if (!isDefault) throw new InvalidArgumentError(`${setting.key} is not supported: ${setting.refused}`)
  }
  cgroupDriverOf((values.get('exec-opts') as readonly string[] | undefined) ?? [])
}

/** What `native.cgroupdriver=…` says; null when nothing does. @throws InvalidArgumentError in Docker's words */
function cgroupDriverOf(options: readonly string[]): 'cgroupfs' | 'systemd' | null {
  let driver: 'cgroupfs' | 'systemd' | null = null
  for (const option of options) {
    const value = /^native\.cgroupdriver=(.*)$/i.exec(option)?.[1]
    if (value === undefined) throw new InvalidArgumentError(`exec-opt ${option} is not supported`)
    if (value !== 'cgroupfs' && value !== 'systemd')
      throw new InvalidArgumentError(`native.cgroupdriver option ${value} not supported`)
    driver = value
  }
  return driver
}

/** Bytes of `64M`, `1g`, `1024`. */
function sizeOf(key: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text)
  if (match === null) throw new InvalidArgumentError(`invalid size for ${key}: '${text}'`)
  return Math.floor(Number(match[1]) * 1024 ** ' kmgtp'.indexOf((match[2] || ' ').toLowerCase()))
}

/** Reads checked values by their kind. */
/** Where descriptions of CDI devices are looked for: nowhere when the feature is off, or the list is given and empty. */
function cdiSpecDirsOf(reader: Reader): readonly string[] {
  const isOff = reader.object<Record<string, unknown>>('features')?.['cdi'] === false
  if (isOff) return []
  return reader.has('cdi-spec-dirs')
    ? reader.list('cdi-spec-dirs').filter((path) => path !== '')
    : CDI_DIRECTORIES
}

class Reader {
  readonly #values: SettingValues

  constructor(values: SettingValues) {
    this.#values = values
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  text(key: string): string | null {
    const value = this.#values.get(key)
    return typeof value === 'string' && value !== '' ? value : null
  }

  address(key: string): string | null {
    const text = this.text(key)
    if (text === null || isIP(text) !== 0) return text
    throw new InvalidArgumentError(
      `invalid argument ${JSON.stringify(text)} for "--${key}" flag: ${text} is not an ip address`,
    )
  }

  path(key: string, otherwise: string): string {
    const path = this.text(key) ?? otherwise
    if (!path.startsWith('/')) throw new InvalidArgumentError(`${key} must be an absolute path: ${path}`)
    return path.length > 1 ? path.replace(/\/+$/, '') : path
  }

  boolean(key: string, otherwise: boolean): boolean {
    const value = this.#values.get(key)
    return typeof value === 'boolean' ? value : otherwise
  }

  integer(key: string): number | null {
    const value = this.#values.get(key)
    return typeof value === 'number' ? value : null
  }

  positive(key: string, otherwise: number): number {
    const value = this.integer(key) ?? otherwise
    if (value < 1) throw new InvalidArgumentError(`invalid ${key}: ${String(value)}`)
    return value
  }

  list(key: string): readonly string[] {
    return (this.#values.get(key) as readonly string[] | undefined) ?? []
  }

  object<T>(key: string): T | null {
    return (this.#values.get(key) as SettingValue as T | undefined) ?? null
  }

  oneOf<const Word extends string>(key: string, words: readonly Word[], otherwise: Word): Word {
    const value = this.text(key) ?? otherwise
    const found = words.find((word) => word === value)
    if (found === undefined) {
      throw new InvalidArgumentError(`invalid ${key}: ${value}: it is one of ${words.join(', ')}`)
    }
    return found
  }

  pools(): { base: string; size: number }[] | null {
    const pools = this.object<{ base?: unknown; size?: unknown }[]>('default-address-pools')
    if (pools === null) return null
    return pools.map(({ base, size }) => {
      if (typeof base !== 'string' || typeof size !== 'number') {
        throw new InvalidArgumentError('invalid default-address-pools: each has a base and a size')
      }
      return { base, size }
    })
  }

  networkDefaults(): Record<string, Record<string, string>> {
    const given = this.object<Record<string, Record<string, unknown>>>('default-network-opts') ?? {}
    for (const [driver, options] of Object.entries(given)) {
      const isMap =
        typeof options === 'object' && Object.values(options).every((value) => typeof value === 'string')
      if (!isMap)
        throw new InvalidArgumentError(`invalid default-network-opts: ${driver} has names and values`)
    }
    return given as Record<string, Record<string, string>>
  }

  runtimes(): Record<string, { path: string; args: readonly string[] }> {
    const given = this.object<Record<string, RuntimeSetting>>('runtimes') ?? {}
    return Object.fromEntries(
      Object.entries(given).map(([name, setting]) => [name, parseRuntimeSetting(name, setting)]),
    )
  }

  ulimits(): { Name: string; Soft: number; Hard: number }[] {
    const given =
      this.object<Record<string, { Name?: string; Soft?: number; Hard?: number }>>('default-ulimits') ?? {}
    return Object.entries(given).map(([name, { Soft, Hard }]) => {
      if (!Number.isInteger(Soft) || !Number.isInteger(Hard)) {
        throw new InvalidArgumentError(`invalid default-ulimits: ${name} has a Soft and a Hard number`)
      }
      return { Name: name, Soft: Soft as number, Hard: Hard as number }
    })
  }
}
