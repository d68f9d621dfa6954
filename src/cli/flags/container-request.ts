import type { HealthConfig } from '#spec/docker/container-config.ts'
import type { HostConfig, RestartPolicy } from '#spec/docker/host-config.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import type { ContainerCreateRequest } from '#spec/docker/requests.ts'
import { ExitError } from '../core/exit.ts'
import type { FlagValues } from '../core/flag.ts'
import type { containerFlags } from './container-flags.ts'
import { parseDevice } from './devices.ts'
import { keyValueMap, readKeyValues, readLabels } from './environment.ts'
import type { NetworkAttachment } from './network-attachment.ts'
import { parsePorts } from './ports.ts'
import { parseSecurityOpts } from './security-opts.ts'
import { parseVolumes } from './volume-spec.ts'

/** The values of the flags of `create` and `run`. */
export type ContainerFlagValues = FlagValues<typeof containerFlags>

/** What a container is made from. */
export interface RequestInput {
  readonly flags: ContainerFlagValues
  given(name: keyof ContainerFlagValues): boolean
  readonly image: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Proxy variables of config.json, for what does not say its own. */
  readonly proxies: Readonly<Record<string, string>>
  /** `run -d`: nothing is attached. */
  readonly detach: boolean
  readonly consoleSize: readonly [number, number] | null
}

const fail = (message: string): never => {
  throw new ExitError(125, message, { withHint: true })
}

const refuse = (message: string): never => {
  throw new ExitError(1, message)
}

/** Turns flags into the body of `POST /containers/create`; what was not given is left to the daemon. */
export function containerRequest(input: RequestInput): ContainerCreateRequest {
  const { flags, given, image, command } = input
  const { exposed, bindings } = parsePorts({ publish: flags.publish, expose: flags.expose })
  const { binds, anonymous } = parseVolumes(flags.volume)
  const attached = attachedStreams(input)
  const health = healthConfig(input)
  const variables = readKeyValues({
    files: flags['env-file'],
    values: flags.env,
    environment: input.environment,
  })
  const named = new Set(variables.map((text) => text.split('=', 1)[0]))
  const proxies = Object.entries(input.proxies).filter(([name]) => !named.has(name))
  const env = [...variables, ...proxies.map(([name, value]) => `${name}=${value}`)]
  return {
    ...compact({
      Hostname: flags.hostname,
      Domainname: flags.domainname,
      User: flags.user,
      WorkingDir: flags.workdir,
      StopSignal: flags['stop-signal'],
    }),
    AttachStdin: attached.stdin,
    AttachStdout: attached.stdout,
    AttachStderr: attached.stderr,
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    StdinOnce: flags.interactive && attached.stdin,
    Env: env,
    Cmd: command.length === 0 ? null : command,
    Image: image,
    Entrypoint: given('entrypoint') ? [flags.entrypoint] : null,
    Labels: {
      ...readLabels({ files: flags['label-file'], values: flags.label }),
      ...(flags['health-on-failure'] === '' ? {} : { 'wharf.health-on-failure': flags['health-on-failure'] }),
    },
    ...(Object.keys(exposed).length === 0 ? {} : { ExposedPorts: exposed }),
    ...(Object.keys(anonymous).length === 0 ? {} : { Volumes: anonymous }),
    ...(health === null ? {} : { Healthcheck: health }),
    ...(flags['stop-timeout'] === null ? {} : { StopTimeout: flags['stop-timeout'] }),
    HostConfig: { ...hostConfig(input), Binds: binds.length === 0 ? null : binds, PortBindings: bindings },
    NetworkingConfig: { EndpointsConfig: endpoints(input) },
  }
}

/** Leaves out texts that are empty. */
function compact<T extends Readonly<Record<string, string>>>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) as Partial<T>
}

/** Leaves out what was not given: null, empty lists and false. */
function givenOnly<T extends object, Out = HostConfig>(values: T): Out {
  const isGiven = (value: unknown) =>
    !(value === null || value === '' || value === false || (Array.isArray(value) && value.length === 0))
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isGiven(value))) as Out
}

function attachedStreams({ flags, detach }: RequestInput): {
  stdin: boolean
  stdout: boolean
  stderr: boolean
} {
  const wanted = new Set(flags.attach)
  if (detach && wanted.size > 0) refuse('conflicting options: cannot specify both --attach and --detach')
  if (detach) return { stdin: false, stdout: false, stderr: false }
  if (wanted.size === 0) return { stdin: flags.interactive, stdout: true, stderr: true }
  return { stdin: wanted.has('stdin'), stdout: wanted.has('stdout'), stderr: wanted.has('stderr') }
}

function hostConfig(input: RequestInput): HostConfig {
  const { flags, given } = input
  const restart = parseRestart(flags.restart)
  if (flags.rm && given('restart') && !['no', ''].includes(restart.Name ?? ''))
    fail('conflicting options: cannot specify both --restart and --rm')
  const swappiness = flags['memory-swappiness']
  if (swappiness !== null && (swappiness < -1 || swappiness > 100))
    fail(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`)
  checkModes(flags)
  const logConfig = logOptions(flags)
  const { securityOpt, unconfinedPaths } = parseSecurityOpts(flags['security-opt'])
  const networks = flags.network ?? flags.net ?? []
  return {
    ...givenOnly({
      CpuPeriod: flags['cpu-period'],
      CpuQuota: flags['cpu-quota'],
      CpuRealtimePeriod: flags['cpu-rt-period'],
      CpuRealtimeRuntime: flags['cpu-rt-runtime'],
      CpuShares: flags['cpu-shares'],
      NanoCpus: flags.cpus,
      CpusetCpus: flags['cpuset-cpus'],
      CpusetMems: flags['cpuset-mems'],
      CgroupParent: flags['cgroup-parent'],
      BlkioWeight: flags['blkio-weight'],
      BlkioWeightDevice: flags['blkio-weight-device'],
      BlkioDeviceReadBps: flags['device-read-bps'],
      BlkioDeviceReadIOps: flags['device-read-iops'],
      BlkioDeviceWriteBps: flags['device-write-bps'],
      BlkioDeviceWriteIOps: flags['device-write-iops'],
      Memory: flags.memory,
      MemoryReservation: flags['memory-reservation'],
      MemorySwap: flags['memory-swap'],
      MemorySwappiness: swappiness === -1 ? null : swappiness,
      OomKillDisable: flags['oom-kill-disable'],
      OomScoreAdj: flags['oom-score-adj'],
      PidsLimit: flags['pids-limit'],
      Ulimits: flags.ulimit,
      Devices: flags.device.map(parseDevice),
      DeviceCgroupRules: flags['device-cgroup-rule'],
      DeviceRequests: flags.gpus,
      ContainerIDFile: flags.cidfile,
      AutoRemove: flags.rm,
      Privileged: flags.privileged,
      PublishAllPorts: flags['publish-all'],
      ReadonlyRootfs: flags['read-only'],
      Links: networks.some(({ target }) => !['default', 'bridge', ''].includes(target)) ? null : flags.link,
      Dns: flags.dns,
      DnsOptions: [...flags['dns-option'], ...flags['dns-opt']],
      DnsSearch: flags['dns-search'],
      ExtraHosts: flags['add-host'],
      VolumesFrom: flags['volumes-from'],
      VolumeDriver: flags['volume-driver'],
      CgroupnsMode: flags.cgroupns as 'host',
      IpcMode: flags.ipc,
      PidMode: flags.pid,
      UTSMode: flags.uts,
      UsernsMode: flags.userns,
      CapAdd: flags['cap-add'],
      CapDrop: flags['cap-drop'],
      GroupAdd: flags['group-add'],
      SecurityOpt: securityOpt,
      ShmSize: flags['shm-size'],
      Runtime: flags.runtime,
      Mounts: flags.mount,
      ConsoleSize: input.consoleSize,
      Isolation: flags.isolation as '',
    }),
    NetworkMode: networks[0]?.target ?? 'default',
    RestartPolicy: restart,
    ...(unconfinedPaths ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
    ...(logConfig === null ? {} : { LogConfig: logConfig }),
    ...(given('init') ? { Init: flags.init } : {}),
    ...(Object.keys(flags.sysctl).length === 0 ? {} : { Sysctls: flags.sysctl }),
    ...(Object.keys(flags.annotation).length === 0 ? {} : { Annotations: flags.annotation }),
    ...(flags.tmpfs.length === 0 ? {} : { Tmpfs: tmpfs(flags.tmpfs) }),
    ...(flags['storage-opt'].length === 0 ? {} : { StorageOpt: storageOptions(flags['storage-opt']) }),
  } as HostConfig
}

function checkModes({ pid, uts, userns, cgroupns }: ContainerFlagValues): void {
  if (pid !== '' && pid !== 'host' && !/^container:.+/.test(pid)) fail('--pid: invalid PID mode')
  if (uts !== '' && uts !== 'host') fail('--uts: invalid UTS mode')
  if (userns !== '' && userns !== 'host') fail('--userns: invalid USER mode')
  if (cgroupns !== '' && cgroupns !== 'host' && cgroupns !== 'private')
    fail('--cgroupns: invalid CGROUP mode')
}

/** `no`, `always`, `unless-stopped`, `on-failure[:n]`. */
export function parseRestart(text: string): RestartPolicy {
  const [Name = '', count, ...more] = text.split(':')
  if (text !== '' && Name === '') fail('invalid restart policy format: no policy provided before colon')
  if (more.length > 0) fail('invalid restart policy format')
  if (count !== undefined && !/^\d+$/.test(count))
    fail('invalid restart policy format: maximum retry count must be an integer')
  return { Name: Name as 'no', MaximumRetryCount: count === undefined ? 0 : Number(count) }
}

function logOptions(flags: ContainerFlagValues): HostConfig['LogConfig'] {
  const Config = keyValueMap(flags['log-opt'])
  if (flags['log-driver'] === 'none' && flags['log-opt'].length > 0)
    fail('invalid logging opts for driver none')
  return flags['log-driver'] === '' && flags['log-opt'].length === 0
    ? null
    : { Type: flags['log-driver'], Config }
}

function tmpfs(specs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    specs.map((spec) => {
      const at = spec.indexOf(':')
      return at < 0 ? [spec, ''] : [spec.slice(0, at), spec.slice(at + 1)]
    }),
  )
}

function storageOptions(options: readonly string[]): Record<string, string> {
  for (const option of options) if (!option.includes('=')) fail('invalid storage option')
  return keyValueMap(options)
}

function healthConfig({ flags, given }: RequestInput): HealthConfig | null {
  const names = [
    'health-cmd',
    'health-interval',
    'health-timeout',
    'health-start-period',
    'health-start-interval',
    'health-retries',
  ] as const
  const any = names.some((name) => given(name))
  if (flags['no-healthcheck']) {
    if (any) fail('--no-healthcheck conflicts with --health-* options')
    return { Test: ['NONE'] }
  }
  if (!any) return null
  const times = [
    ['--health-interval', flags['health-interval']],
    ['--health-timeout', flags['health-timeout']],
    ['--health-retries', flags['health-retries']],
    ['--health-start-period', flags['health-start-period']],
    ['--health-start-interval', flags['health-start-interval']],
  ] as const
  for (const [name, value] of times) if (value !== null && value < 0) fail(`${name} cannot be negative`)
  return givenOnly<object, HealthConfig>({
    Test: flags['health-cmd'] === '' ? null : ['CMD-SHELL', flags['health-cmd']],
    Interval: flags['health-interval'],
    Timeout: flags['health-timeout'],
    StartPeriod: flags['health-start-period'],
    StartInterval: flags['health-start-interval'],
    Retries: flags['health-retries'],
  })
}

function endpoints({ flags }: RequestInput): Record<string, EndpointSettings> {
  const networks = flags.network ?? flags.net ?? []
  const aliases = [...flags['network-alias'], ...flags['net-alias']]
  const own = {
    aliases,
    ip: flags.ip,
    ip6: flags.ip6,
    mac: flags['mac-address'],
    linkLocal: flags['link-local-ip'],
  }
  const asks =
    aliases.length > 0 || own.ip !== '' || own.ip6 !== '' || own.mac !== '' || own.linkLocal.length > 0
  if (networks.length === 0) {
    const target = 'default'
    return asks
      ? { [target]: endpoint({ target, aliases: [], driverOpts: {}, linkLocalIps: [] }, { flags, own }) }
      : {}
  }
  const out: Record<string, EndpointSettings> = {}
  networks.forEach((network, at) => {
    if (Object.hasOwn(out, network.target)) fail(`network "${network.target}" is specified multiple times`)
    const isBuiltin =
      ['host', 'none', 'default'].includes(network.target) || network.target.startsWith('container:')
    const settings = endpoint(network, { flags, own: at === 0 ? own : null })
    if (isBuiltin && Object.keys(settings).length === 0 && networks.length === 1) return
    out[network.target] = settings
  })
  return out
}

interface OwnSettings {
  readonly aliases: readonly string[]
  readonly ip: string
  readonly ip6: string
  readonly mac: string
  readonly linkLocal: readonly string[]
}

function endpoint(
  network: NetworkAttachment,
  { flags, own }: { flags: ContainerFlagValues; own: OwnSettings | null },
): EndpointSettings {
  const both = (name: string) =>
    fail(`conflicting options: cannot specify both --${name} and per-network ${name}`)
  if (own !== null && own.ip !== '' && network.ip !== undefined) both('ip')
  if (own !== null && own.ip6 !== '' && network.ip6 !== undefined) both('ip6')
  if (own !== null && own.mac !== '' && network.macAddress !== undefined) both('mac-address')
  const ip = network.ip ?? own?.ip ?? ''
  const ip6 = network.ip6 ?? own?.ip6 ?? ''
  const mac = network.macAddress ?? own?.mac ?? ''
  const linkLocal = [...network.linkLocalIps, ...(own?.linkLocal ?? [])]
  const aliases = [...network.aliases, ...(own?.aliases ?? [])]
  const hasAddress = ip !== '' || ip6 !== '' || linkLocal.length > 0
  const isUserDefined =
    !['default', 'bridge', 'host', 'none'].includes(network.target) &&
    !network.target.startsWith('container:')
  return {
    ...(hasAddress ? { IPAMConfig: { IPv4Address: ip, IPv6Address: ip6, LinkLocalIPs: linkLocal } } : {}),
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(isUserDefined && flags.link.length > 0 && own !== null ? { Links: flags.link } : {}),
    ...(mac === '' ? {} : { MacAddress: mac }),
    ...(Object.keys(network.driverOpts).length === 0 ? {} : { DriverOpts: network.driverOpts }),
    ...(network.gwPriority === undefined ? {} : { GwPriority: network.gwPriority }),
  }
}
