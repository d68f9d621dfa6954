import { fields, stringMap, strings } from './schema.ts'
import type { Schema } from './schema.ts'
import { endpointSchema } from './network.ts'

/** The forms of what a container is made from (ContainerConfig, HostConfig). */
export const healthcheckFields: Record<string, Schema> = {
  Test: strings,
  ...fields('integer', 'Interval', 'Timeout', 'Retries', 'StartPeriod', 'StartInterval'),
}

export const containerConfigFields: Record<string, Schema> = {
  ...fields('string', 'Hostname', 'Domainname', 'User', 'Image', 'WorkingDir', 'StopSignal', 'MacAddress'),
  ...fields('boolean', 'AttachStdin', 'AttachStdout', 'AttachStderr', 'Tty', 'OpenStdin', 'StdinOnce'),
  ...fields('boolean', 'NetworkDisabled', 'ArgsEscaped'),
  ...fields(strings, 'Env', 'OnBuild', 'Shell'),
  ...fields('words', 'Cmd', 'Entrypoint'),
  ...fields({ map: { object: {} } }, 'ExposedPorts', 'Volumes'),
  Labels: stringMap,
  StopTimeout: 'integer',
  Healthcheck: { object: healthcheckFields },
}

const throttle: Schema = { list: { object: { Path: 'string', Rate: 'integer' } } }

/** HostConfig.PortBindings. */
export const portMap: Schema = { map: { list: { object: fields('string', 'HostIp', 'HostPort') } } }

export const restartPolicy: Schema = { object: { Name: 'string', MaximumRetryCount: 'integer' } }

export const resourcesFields: Record<string, Schema> = {
  ...fields('integer', 'CpuShares', 'Memory', 'BlkioWeight', 'CpuPeriod', 'CpuQuota', 'CpuRealtimePeriod'),
  ...fields(
    'integer',
    'CpuRealtimeRuntime',
    'MemoryReservation',
    'MemorySwap',
    'MemorySwappiness',
    'NanoCpus',
  ),
  ...fields('integer', 'PidsLimit', 'CpuCount', 'CpuPercent', 'IOMaximumIOps', 'IOMaximumBandwidth'),
  ...fields('integer', 'KernelMemory', 'KernelMemoryTCP'),
  ...fields('string', 'CgroupParent', 'CpusetCpus', 'CpusetMems'),
  ...fields('boolean', 'OomKillDisable', 'Init'),
  ...fields(
    throttle,
    'BlkioDeviceReadBps',
    'BlkioDeviceWriteBps',
    'BlkioDeviceReadIOps',
    'BlkioDeviceWriteIOps',
  ),
  BlkioWeightDevice: { list: { object: { Path: 'string', Weight: 'integer' } } },
  Devices: { list: { object: fields('string', 'PathOnHost', 'PathInContainer', 'CgroupPermissions') } },
  DeviceCgroupRules: strings,
  DeviceRequests: {
    list: {
      object: {
        Driver: 'string',
        Count: 'integer',
        DeviceIDs: strings,
        Capabilities: { list: strings },
        Options: stringMap,
      },
    },
  },
  Ulimits: { list: { object: { Name: 'string', Soft: 'integer', Hard: 'integer' } } },
}

const mount: Schema = {
  object: {
    ...fields('string', 'Target', 'Source', 'Type', 'Consistency'),
    ReadOnly: 'boolean',
    BindOptions: {
      object: {
        Propagation: 'string',
        ...fields(
          'boolean',
          'NonRecursive',
          'CreateMountpoint',
          'ReadOnlyNonRecursive',
          'ReadOnlyForceRecursive',
        ),
      },
    },
    VolumeOptions: {
      object: {
        NoCopy: 'boolean',
        Labels: stringMap,
        DriverConfig: { object: { Name: 'string', Options: stringMap } },
        Subpath: 'string',
      },
    },
    ImageOptions: { object: { Subpath: 'string' } },
    TmpfsOptions: { object: { SizeBytes: 'integer', Mode: 'integer', Options: { list: strings } } },
  },
}

export const hostConfigFields: Record<string, Schema> = {
  ...resourcesFields,
  ...fields(
    strings,
    'Binds',
    'VolumesFrom',
    'Dns',
    'DnsOptions',
    'DnsSearch',
    'ExtraHosts',
    'GroupAdd',
    'Links',
  ),
  ...fields(strings, 'SecurityOpt', 'MaskedPaths', 'ReadonlyPaths'),
  ...fields('words', 'CapAdd', 'CapDrop'),
  ...fields('string', 'ContainerIDFile', 'NetworkMode', 'VolumeDriver', 'CgroupnsMode', 'IpcMode', 'Cgroup'),
  ...fields('string', 'PidMode', 'UTSMode', 'UsernsMode', 'Runtime', 'Isolation'),
  ...fields('boolean', 'AutoRemove', 'Privileged', 'PublishAllPorts', 'ReadonlyRootfs'),
  ...fields('integer', 'OomScoreAdj', 'ShmSize'),
  ...fields(stringMap, 'Annotations', 'StorageOpt', 'Tmpfs', 'Sysctls'),
  ConsoleSize: { list: 'integer' },
  LogConfig: { object: { Type: 'string', Config: stringMap } },
  PortBindings: portMap,
  RestartPolicy: restartPolicy,
  Mounts: { list: mount },
}

export const containerCreateSchema: Schema = {
  object: {
    ...containerConfigFields,
    HostConfig: { object: hostConfigFields },
    NetworkingConfig: { object: { EndpointsConfig: { map: endpointSchema } } },
  },
}
