import type { ContainerInspectResponse, ContainerState } from '#spec/docker/container.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerContext } from '../context.ts'
import type { ContainerRecord } from '../records.ts'
import { exitCodeOf, isAlive, type ContainerStatus } from '../state.ts'
import { mountPoint } from './mount-points.ts'
import { linksOf } from '../links.ts'
import { networkSettings } from './network-view.ts'

/** What inspect needs beside the record. */
export interface InspectFacts {
  readonly execIds: readonly string[]
  readonly sizes: { readonly rwBytes: number; readonly rootFsBytes: number } | null
}

/** `GET /containers/{id}/json` in the newest API version. */
export function inspectContainer(
  context: ContainerContext,
  record: ContainerRecord,
  facts: InspectFacts,
): ContainerInspectResponse {
  const paths = containerPaths(context.directory, record.id)
  const started = record.state.startedAt !== '0001-01-01T00:00:00Z'
  return {
    Id: record.id,
    Created: record.createdAt,
    Path: record.path,
    Args: record.args,
    State: stateView(record.state),
    Image: record.imageId,
    ResolvConfPath: started ? paths.resolvConf : '',
    HostnamePath: started ? paths.hostname : '',
    HostsPath: started ? paths.hosts : '',
    LogPath: record.logPath,
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: record.driver,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: appArmorProfile(record, context),
    ExecIDs: facts.execIds.length === 0 ? null : facts.execIds,
    HostConfig: { ...hostConfigView(record.hostConfig), Links: linksOf(record, context.records) },
    GraphDriver: { Name: record.driver, Data: context.snapshots.describe(record.id) },
    ...(facts.sizes === null ? {} : { SizeRw: facts.sizes.rwBytes, SizeRootFs: facts.sizes.rootFsBytes }),
    Mounts: record.mounts.map(mountPoint),
    Config: configView(record),
    NetworkSettings: networkSettings(record, context.networks),
  }
}

function stateView(state: ContainerStatus): ContainerState {
  const alive = isAlive(state)
  return {
    Status: state.status,
    Running: alive || state.status === 'restarting',
    Paused: state.status === 'paused',
    Restarting: state.status === 'restarting',
    OOMKilled: state.oomKilled,
    Dead: state.status === 'dead',
    Pid: alive ? state.pid : 0,
    ExitCode: exitCodeOf(state),
    Error: alive ? '' : state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
    ...(state.health === null
      ? {}
      : {
          Health: {
            Status: state.health.status,
            FailingStreak: state.health.failingStreak,
            Log: state.health.log.map(({ start, end, exitCode, output }) => ({
              Start: start,
              End: end,
              ExitCode: exitCode,
              Output: output,
            })),
          },
        }),
  }
}

function configView(record: ContainerRecord): NonNullable<ContainerInspectResponse['Config']> {
  const { config } = record
  return {
    Hostname: config.Hostname ?? '',
    Domainname: config.Domainname ?? '',
    User: config.User ?? '',
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    ...(config.ExposedPorts ? { ExposedPorts: config.ExposedPorts } : {}),
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    ...(config.Healthcheck ? { Healthcheck: config.Healthcheck } : {}),
    ...(config.ArgsEscaped === true ? { ArgsEscaped: true } : {}),
    Image: config.Image ?? '',
    Volumes: config.Volumes ?? null,
    WorkingDir: config.WorkingDir ?? '',
    Entrypoint: config.Entrypoint ?? null,
    ...(config.NetworkDisabled === true ? { NetworkDisabled: true } : {}),
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? {},
    ...(config.StopSignal ? { StopSignal: config.StopSignal } : {}),
    ...(config.StopTimeout === null || config.StopTimeout === undefined
      ? {}
      : { StopTimeout: config.StopTimeout }),
    ...(config.Shell ? { Shell: config.Shell } : {}),
  }
}

/** Fields that Go prints even when they were never set, in Docker's order; optional ones stay out. */
const HOST_ZEROES: HostConfig = {
  Binds: null,
  ContainerIDFile: '',
  LogConfig: { Type: '', Config: {} },
  NetworkMode: '',
  PortBindings: {},
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: 'host',
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: 'private',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 67_108_864,
  Runtime: '',
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: null,
  ReadonlyPaths: null,
}

function hostConfigView(host: HostConfig): HostConfig {
  const view: Record<string, unknown> = { ...HOST_ZEROES }
  for (const [key, value] of Object.entries(host)) {
    if (value !== undefined && (value !== null || key in view)) view[key] = value
  }
  return view as HostConfig
}

function appArmorProfile(record: ContainerRecord, context: ContainerContext): string {
  if (!context.runtime.info.apparmor) return ''
  const own = record.hostConfig.SecurityOpt?.find((option) => /^apparmor[=:]/.test(option))
  if (own !== undefined) return own.slice('apparmor='.length)
  return record.hostConfig.Privileged === true ? 'unconfined' : 'docker-default'
}
