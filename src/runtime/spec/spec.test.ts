import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { CreateRequest } from '../runtime.ts'
import type { OciSpec } from './oci-spec.ts'
import { containerSpec, INIT_PATH, type SpecMachine } from './spec.ts'

const PRIVATE = { kind: 'private' } as const
const ALL = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_NET_RAW']
const machine: SpecMachine = {
  capabilities: ALL,
  architecture: 'amd64',
  kernelRelease: '6.1.0',
  apparmor: false,
  apparmorProfile: null,
  initBinary: '/usr/bin/tini-static',
  seccompProfile: null,
}

function spec(
  change: { config?: ContainerConfig; hostConfig?: HostConfig } & Partial<CreateRequest> = {},
): OciSpec {
  const { config, hostConfig, ...rest } = change
  const request: CreateRequest = {
    id: 'a'.repeat(64),
    runtime: null,
    rootfs: '/root-of-container',
    args: ['prog', 'arg'],
    config: { Env: ['A=1'], ...config },
    hostConfig: { ...hostConfig },
    hostname: 'box',
    mounts: [],
    namespaces: { network: PRIVATE, ipc: PRIVATE, pid: PRIVATE, uts: PRIVATE, cgroup: PRIVATE, user: null },
    shmPath: null,
    logPath: null,
    ...rest,
  }
  return containerSpec(request, {
    machine,
    cgroupPath: '/wharf/x',
    user: { uid: 0, gid: 0 },
    timeNamespace: false,
  })
}

const destinations = (made: OciSpec): readonly string[] => made.mounts.map((mount) => mount.destination)

test('a container that asks for nothing gets what Docker gives', () => {
  const made = spec()
  assert.deepEqual(made.process.args, ['prog', 'arg'])
  assert.equal(made.process.cwd, '/')
  assert.deepEqual(made.process.env.slice(1), ['HOSTNAME=box', 'A=1'])
  assert.deepEqual(made.process.capabilities.bounding, ['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_KILL'])
  assert.ok(made.linux.maskedPaths.includes('/proc/kcore'))
  assert.ok(made.linux.readonlyPaths.includes('/proc/sys'))
  assert.equal(made.linux.seccomp?.defaultAction, 'SCMP_ACT_ERRNO')
  assert.deepEqual(made.linux.resources, { devices: [{ allow: false, access: 'rwm' }] })
  const shm = made.mounts.find((mount) => mount.destination === '/dev/shm')
  assert.ok(shm?.options.includes('size=67108864'))
})

test('--privileged lifts capabilities, seccomp, masks and device limits', () => {
  const made = spec({ hostConfig: { Privileged: true } })
  assert.deepEqual(made.process.capabilities.bounding, ALL)
  assert.equal(made.linux.seccomp, undefined)
  assert.deepEqual(made.linux.maskedPaths, [])
  assert.deepEqual(made.linux.resources.devices, [{ allow: true, access: 'rwm' }])
  assert.ok(made.mounts.find((mount) => mount.destination === '/sys')?.options.includes('rw'))
})

test('capabilities are added and dropped by either name', () => {
  const bounding = (hostConfig: HostConfig): readonly string[] =>
    spec({ hostConfig }).process.capabilities.bounding
  assert.deepEqual(bounding({ CapAdd: ['net_admin'], CapDrop: ['CAP_KILL'] }), [
    'CAP_CHOWN',
    'CAP_NET_RAW',
    'CAP_NET_ADMIN',
  ])
  assert.deepEqual(bounding({ CapDrop: ['ALL'], CapAdd: ['KILL'] }), ['CAP_KILL'])
  assert.deepEqual(
    bounding({ CapAdd: ['ALL'], CapDrop: ['SYS_ADMIN'] }),
    ALL.filter((name) => name !== 'CAP_SYS_ADMIN'),
  )
  assert.throws(() => bounding({ CapAdd: ['nonsense'] }), { code: 'invalid_argument' })
})

test('rules of the seccomp profile follow the capabilities', () => {
  const names = (hostConfig: HostConfig): readonly string[] =>
    spec({ hostConfig })
      .linux.seccomp?.syscalls.filter((rule) => rule.action === 'SCMP_ACT_ALLOW')
      .flatMap((rule) => rule.names) ?? []
  assert.ok(!names({}).includes('mount'))
  assert.ok(names({ CapAdd: ['SYS_ADMIN'] }).includes('mount'))
  assert.equal(spec({ hostConfig: { SecurityOpt: ['seccomp=unconfined'] } }).linux.seccomp, undefined)
  const own = JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ name: 'chmod', action: 'SCMP_ACT_ERRNO' }],
  })
  assert.deepEqual(spec({ hostConfig: { SecurityOpt: [`seccomp=${own}`] } }).linux.seccomp, {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ names: ['chmod'], action: 'SCMP_ACT_ERRNO' }],
  })
})

test('a user mount replaces the system mount of its place, and /dev all below it', () => {
  const bind = (destination: string): CreateRequest['mounts'] => [
    { kind: 'bind', source: '/src', destination, readOnly: true },
  ]
  const shm = spec({ mounts: bind('/dev/shm') })
  assert.deepEqual(
    shm.mounts.filter((mount) => mount.destination === '/dev/shm'),
    [{ destination: '/dev/shm', type: 'bind', source: '/src', options: ['rbind', 'ro', 'rprivate'] }],
  )
  assert.ok(!destinations(spec({ mounts: bind('/dev') })).includes('/dev/pts'))
  assert.ok(!destinations(spec({ hostConfig: { IpcMode: 'none' } })).includes('/dev/shm'))
})

test('a shared mount makes the root shared', () => {
  const mounts: CreateRequest['mounts'] = [
    { kind: 'bind', source: '/s', destination: '/d', readOnly: false, propagation: 'rshared' },
  ]
  assert.equal(spec({ mounts }).linux.rootfsPropagation, 'shared')
  assert.equal(spec().linux.rootfsPropagation, undefined)
})

test('limits: memory alone allows as much swap, NanoCpus become a quota', () => {
  const made = spec({ hostConfig: { Memory: 1000, NanoCpus: 1_500_000_000, PidsLimit: -1, CpusetCpus: '0' } })
  assert.deepEqual(made.linux.resources.memory, { limit: 1000, swap: 2000 })
  assert.deepEqual(made.linux.resources.cpu, { quota: 150_000, period: 100_000, cpus: '0' })
  assert.deepEqual(made.linux.resources.pids, { limit: -1 })
})

test('ulimits keep their exact values in JSON, without limit too', () => {
  const made = spec({ hostConfig: { Ulimits: [{ Name: 'core', Soft: 0, Hard: -1 }] } })
  assert.match(JSON.stringify(made.process.rlimits), /"RLIMIT_CORE","soft":0,"hard":18446744073709551615/)
})

test('joined and host namespaces', () => {
  const made = spec({
    namespaces: {
      network: { kind: 'join', path: '/run/netns/x' },
      ipc: { kind: 'host' },
      pid: PRIVATE,
      uts: { kind: 'host' },
      cgroup: PRIVATE,
      user: null,
    },
  })
  assert.deepEqual(made.linux.namespaces, [
    { type: 'mount' },
    { type: 'network', path: '/run/netns/x' },
    { type: 'pid' },
    { type: 'cgroup' },
  ])
  assert.equal(made.hostname, undefined)
  assert.equal(made.mounts.find((mount) => mount.destination === '/dev/shm')?.type, 'bind')
})

test('a user namespace maps ids', () => {
  const ids = [{ containerId: 0, hostId: 100_000, size: 65_536 }]
  const namespaces = {
    network: PRIVATE,
    ipc: PRIVATE,
    pid: PRIVATE,
    uts: PRIVATE,
    cgroup: PRIVATE,
    user: { uids: ids, gids: ids, path: null },
  }
  const made = spec({ namespaces })
  assert.ok(made.linux.namespaces.some((namespace) => namespace.type === 'user'))
  assert.deepEqual(made.linux.uidMappings, [{ containerID: 0, hostID: 100_000, size: 65_536 }])
})

test('--init puts an init before the program', () => {
  const made = spec({ hostConfig: { Init: true } })
  assert.deepEqual(made.process.args, [INIT_PATH, '--', 'prog', 'arg'])
  assert.equal(made.mounts.at(-1)?.source, '/usr/bin/tini-static')
  assert.throws(() => containerSpecWithoutInit(), { code: 'invalid_argument' })
})

test('AppArmor: the default profile, one of the user, none for --privileged', () => {
  const profile = (hostConfig: HostConfig, change: Partial<SpecMachine>): string | undefined => {
    const request = {
      id: 'x',
      runtime: null,
      rootfs: '/r',
      args: ['a'],
      config: {},
      hostConfig,
      hostname: 'h',
    }
    const namespaces = {
      network: PRIVATE,
      ipc: PRIVATE,
      pid: PRIVATE,
      uts: PRIVATE,
      cgroup: PRIVATE,
      user: null,
    }
    return containerSpec(
      { ...request, mounts: [], namespaces, shmPath: null, logPath: null },
      {
        machine: { ...machine, ...change },
        cgroupPath: '/x',
        user: { uid: 0, gid: 0 },
        timeNamespace: false,
      },
    ).process.apparmorProfile
  }
  const enforced = { apparmor: true, apparmorProfile: 'docker-default' }
  const own = { SecurityOpt: ['apparmor=mine'] }
  assert.equal(profile({}, enforced), 'docker-default')
  assert.throws(() => profile({}, { apparmor: true, apparmorProfile: null }), {
    message: /^AppArmor enabled on system but the docker-default profile could not be loaded/,
  })
  assert.equal(profile(own, enforced), 'mine')
  assert.equal(profile({ Privileged: true }, enforced), 'unconfined')
  assert.equal(profile({}, {}), undefined)
  assert.equal(profile(own, {}), undefined)
})

function containerSpecWithoutInit(): OciSpec {
  const request = {
    id: 'x',
    runtime: null,
    rootfs: '/r',
    args: ['a'],
    config: {},
    hostConfig: { Init: true },
    hostname: 'h',
  }
  const namespaces = {
    network: PRIVATE,
    ipc: PRIVATE,
    pid: PRIVATE,
    uts: PRIVATE,
    cgroup: PRIVATE,
    user: null,
  }
  return containerSpec(
    { ...request, mounts: [], namespaces, shmPath: null, logPath: null },
    {
      machine: { ...machine, initBinary: null },
      cgroupPath: '/x',
      user: { uid: 0, gid: 0 },
      timeNamespace: false,
    },
  )
}
