import type { SystemInfo } from '#spec/docker/system.ts'
import { bytesSize } from '../format/units.ts'

/** The server's part of `info`, for people. */
export function infoText(info: SystemInfo): string {
  const lines: string[] = []
  const add = (label: string, value: unknown, indent = ' ') =>
    void lines.push(`${indent}${label}: ${String(value ?? '')}`)
  const optional = (label: string, value: unknown) => {
    if (value !== undefined && value !== null && value !== '') add(label, value)
  }
  add('Containers', info.Containers)
  add('Running', info.ContainersRunning, '  ')
  add('Paused', info.ContainersPaused, '  ')
  add('Stopped', info.ContainersStopped, '  ')
  add('Images', info.Images)
  optional('Server Version', info.ServerVersion)
  add('Storage Driver', info.Driver)
  for (const [name, value] of info.DriverStatus ?? []) add(name ?? '', value, '  ')
  optional('Logging Driver', info.LoggingDriver)
  optional('Cgroup Driver', info.CgroupDriver)
  optional('Cgroup Version', info.CgroupVersion)
  addPlugins(info, lines)
  addList(lines, {
    label: 'CDI spec directories',
    values: (info as { CDISpecDirs?: readonly string[] }).CDISpecDirs,
  })
  add('Swarm', (info.Swarm as { LocalNodeState?: string } | null | undefined)?.LocalNodeState ?? 'inactive')
  const runtimes = Object.keys(info.Runtimes ?? {})
  if (runtimes.length > 0) {
    lines.push(` Runtimes: ${runtimes.toSorted().join(' ')}`)
    add('Default Runtime', info.DefaultRuntime)
  }
  addCommits(info, lines)
  addSecurity(info, lines)
  optional('Kernel Version', info.KernelVersion)
  optional('Operating System', info.OperatingSystem)
  optional('OSType', info.OSType)
  optional('Architecture', info.Architecture)
  add('CPUs', info.NCPU)
  add('Total Memory', bytesSize(info.MemTotal ?? 0))
  optional('Name', info.Name)
  optional('ID', info.ID)
  add('Docker Root Dir', info.DockerRootDir)
  add('Debug Mode', info.Debug ?? false)
  if (info.Debug === true) {
    add('File Descriptors', info.NFd, '  ')
    add('Goroutines', info.NGoroutines, '  ')
    add('System Time', info.SystemTime, '  ')
    add('EventsListeners', info.NEventsListener, '  ')
  }
  optional('HTTP Proxy', info.HttpProxy)
  optional('HTTPS Proxy', info.HttpsProxy)
  optional('No Proxy', info.NoProxy)
  addList(lines, { label: 'Labels', values: info.Labels })
  add('Experimental', info.ExperimentalBuild ?? false)
  addRegistries(info, lines)
  add('Live Restore Enabled', info.LiveRestoreEnabled ?? false)
  optional('Product License', (info as { ProductLicense?: string }).ProductLicense)
  addList(lines, {
    label: 'Default Address Pools',
    values: (
      info as { DefaultAddressPools?: readonly { Base: string; Size: number }[] }
    ).DefaultAddressPools?.map(({ Base, Size }) => `Base: ${Base}, Size: ${Size}`),
  })
  optional('Firewall Backend', (info as { FirewallBackend?: { Driver?: string } }).FirewallBackend?.Driver)
  return `${lines.join('\n')}\n\n`
}

function addList(
  lines: string[],
  { label, values }: { label: string; values: readonly string[] | null | undefined },
): void {
  if (values === undefined || values === null || values.length === 0) return
  lines.push(` ${label}:`, ...values.map((value) => `  ${value}`))
}

function addPlugins({ Plugins }: SystemInfo, lines: string[]): void {
  lines.push(' Plugins:')
  const plugins = (Plugins ?? {}) as Readonly<Record<string, readonly string[] | null | undefined>>
  for (const kind of ['Volume', 'Network', 'Authorization', 'Log']) {
    const names = plugins[kind] ?? []
    if (kind !== 'Authorization' || names.length > 0) lines.push(`  ${kind}: ${names.join(' ')}`)
  }
}

function addCommits(info: SystemInfo, lines: string[]): void {
  if (info.OSType !== 'linux') return
  const { ContainerdCommit, RuncCommit, InitCommit } = info as Readonly<
    Record<string, { ID?: string } | undefined>
  >
  const init = info.InitBinary ?? ''
  lines.push(` Init Binary: ${init}`)
  for (const [label, commit] of [
    ['containerd', ContainerdCommit],
    ['runc', RuncCommit],
    ['init', InitCommit],
  ] as const)
    lines.push(` ${label} version: ${commit?.ID ?? ''}`)
}

function addSecurity(info: SystemInfo, lines: string[]): void {
  const options = (info as { SecurityOptions?: readonly string[] }).SecurityOptions ?? []
  if (options.length === 0) return
  lines.push(' Security Options:')
  for (const option of options) {
    const fields = option.split(',').map((field) => field.split('=', 2) as [string, string?])
    const name = fields.find(([key, value]) => key === 'name' && value !== undefined)?.[1] ?? option
    lines.push(`  ${name}`)
    for (const [key, value] of fields) {
      if (key !== 'name' && value !== undefined)
        lines.push(`   ${key.charAt(0).toUpperCase()}${key.slice(1)}: ${value}`)
    }
  }
}

function addRegistries({ RegistryConfig }: SystemInfo, lines: string[]): void {
  const config = (RegistryConfig ?? {}) as {
    InsecureRegistryCIDRs?: readonly string[]
    IndexConfigs?: Readonly<Record<string, { Name: string; Secure: boolean }>>
    Mirrors?: readonly string[] | null
  }
  const insecure = Object.values(config.IndexConfigs ?? {})
    .filter(({ Secure }) => !Secure)
    .map(({ Name }) => Name)
  const all = [...insecure, ...(config.InsecureRegistryCIDRs ?? [])]
  if (all.length > 0) lines.push(' Insecure Registries:', ...all.map((name) => `  ${name}`))
  if ((config.Mirrors ?? []).length > 0)
    lines.push(' Registry Mirrors:', ...(config.Mirrors ?? []).map((name) => `  ${name}`))
}
