import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFlags } from '../core/parse-flags.ts'
import { containerFlags } from './container-flags.ts'
import { containerRequest } from './container-request.ts'
import type { ContainerFlagValues } from './container-request.ts'

function requestOf(argv: readonly string[], { detach = false }: { detach?: boolean } = {}) {
  const parsed = parseFlags(containerFlags, argv, { interspersed: false })
  const [image = '', ...command] = parsed.args
  return containerRequest({
    flags: parsed.values as unknown as ContainerFlagValues,
    given: (name) => parsed.given.has(name),
    image,
    command,
    environment: { HERE: 'yes' },
    proxies: { HTTP_PROXY: 'http://p' },
    detach,
    consoleSize: null,
  })
}

/** Checks that what is expected is in there; more may be. */
function assertHas(actual: unknown, expected: unknown): void {
  assert.partialDeepStrictEqual(actual as object, expected as object)
}

const cases: readonly { readonly argv: string; readonly has: object }[] = [
  {
    argv: 'img',
    has: {
      Image: 'img',
      Cmd: null,
      Entrypoint: null,
      AttachStdout: true,
      AttachStdin: false,
      HostConfig: { NetworkMode: 'default' },
    },
  },
  {
    argv: '-it img sh -c -x',
    has: { Tty: true, OpenStdin: true, StdinOnce: true, AttachStdin: true, Cmd: ['sh', '-c', '-x'] },
  },
  { argv: '-e A=1 -e HERE -e GONE img', has: { Env: ['A=1', 'HERE=yes', 'HTTP_PROXY=http://p'] } },
  {
    argv: '-p 8080:80 -p 127.0.0.1:53:53/udp img',
    has: {
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      HostConfig: {
        PortBindings: {
          '80/tcp': [{ HostIp: '', HostPort: '8080' }],
          '53/udp': [{ HostIp: '127.0.0.1', HostPort: '53' }],
        },
      },
    },
  },
  {
    argv: '-p 8000-8001:80-81 img',
    has: {
      HostConfig: {
        PortBindings: {
          '80/tcp': [{ HostIp: '', HostPort: '8000' }],
          '81/tcp': [{ HostIp: '', HostPort: '8001' }],
        },
      },
    },
  },
  {
    argv: '-p 8000-8010:80 img',
    has: { HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '8000-8010' }] } } },
  },
  {
    argv: '-p [::1]:80:80 img',
    has: { HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '::1', HostPort: '80' }] } } },
  },
  { argv: '-p 80 img', has: { HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } } } },
  {
    argv: '-p target=80,published=8080,protocol=udp img',
    has: { HostConfig: { PortBindings: { '80/udp': [{ HostIp: '', HostPort: '8080' }] } } },
  },
  { argv: '--expose 90-91 img', has: { ExposedPorts: { '90/tcp': {}, '91/tcp': {} } } },
  {
    argv: '-v /a:/b:ro -v name:/c -v /anon img',
    has: { Volumes: { '/anon': {} }, HostConfig: { Binds: ['/a:/b:ro', 'name:/c'] } },
  },
  {
    argv: '--mount type=bind,src=/a,dst=/b,ro,bind-propagation=rshared img',
    has: {
      HostConfig: {
        Mounts: [
          {
            Type: 'bind',
            Source: '/a',
            Target: '/b',
            ReadOnly: true,
            BindOptions: { Propagation: 'rshared' },
          },
        ],
      },
    },
  },
  {
    argv: '--mount type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1770 img',
    has: {
      HostConfig: {
        Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 67_108_864, Mode: 0o1770 } }],
      },
    },
  },
  {
    argv: '--mount target=/v,volume-opt=a=b,volume-driver=d,volume-nocopy img',
    has: {
      HostConfig: {
        Mounts: [
          {
            Type: 'volume',
            Target: '/v',
            VolumeOptions: { NoCopy: true, DriverConfig: { Name: 'd', Options: { a: 'b' } } },
          },
        ],
      },
    },
  },
  {
    argv: '-m 1.5g --cpus 0.5 --memory-swap -1 --pids-limit 9 img',
    has: { HostConfig: { Memory: 1_610_612_736, NanoCpus: 500_000_000, MemorySwap: -1, PidsLimit: 9 } },
  },
  { argv: '--entrypoint /x img y', has: { Entrypoint: ['/x'], Cmd: ['y'] } },
  { argv: '--entrypoint= img', has: { Entrypoint: [''] } },
  {
    argv: '--restart on-failure:3 img',
    has: { HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } } },
  },
  {
    argv: '--network n1 --network-alias x --ip 10.0.0.9 img',
    has: {
      HostConfig: { NetworkMode: 'n1' },
      NetworkingConfig: {
        EndpointsConfig: { n1: { Aliases: ['x'], IPAMConfig: { IPv4Address: '10.0.0.9' } } },
      },
    },
  },
  {
    argv: '--network name=n1,alias=a,driver-opt=k=v --network n2 img',
    has: {
      HostConfig: { NetworkMode: 'n1' },
      NetworkingConfig: { EndpointsConfig: { n1: { Aliases: ['a'], DriverOpts: { k: 'v' } }, n2: {} } },
    },
  },
  {
    argv: '--health-cmd x --health-interval 1m30s --health-retries 2 img',
    has: { Healthcheck: { Test: ['CMD-SHELL', 'x'], Interval: 90_000_000_000, Retries: 2 } },
  },
  { argv: '--no-healthcheck img', has: { Healthcheck: { Test: ['NONE'] } } },
  {
    argv: '--ulimit nofile=10:20 --ulimit core=0 img',
    has: {
      HostConfig: {
        Ulimits: [
          { Name: 'core', Soft: 0, Hard: 0 },
          { Name: 'nofile', Soft: 10, Hard: 20 },
        ],
      },
    },
  },
  {
    argv: '--device /dev/a --device /dev/b:/dev/c:rw --device /dev/d:r img',
    has: {
      HostConfig: {
        Devices: [
          { PathOnHost: '/dev/a', PathInContainer: '/dev/a', CgroupPermissions: 'rwm' },
          { PathOnHost: '/dev/b', PathInContainer: '/dev/c', CgroupPermissions: 'rw' },
          { PathOnHost: '/dev/d', PathInContainer: '/dev/d', CgroupPermissions: 'r' },
        ],
      },
    },
  },
  {
    argv: '--gpus all img',
    has: { HostConfig: { DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }] } },
  },
  {
    argv: '--tmpfs /x:size=1m --read-only --init --rm img',
    has: { HostConfig: { Tmpfs: { '/x': 'size=1m' }, ReadonlyRootfs: true, Init: true, AutoRemove: true } },
  },
  {
    argv: '--security-opt systempaths=unconfined --security-opt no-new-privileges img',
    has: { HostConfig: { SecurityOpt: ['no-new-privileges'], MaskedPaths: [], ReadonlyPaths: [] } },
  },
  {
    argv: '--log-driver local --log-opt max-size=1m img',
    has: { HostConfig: { LogConfig: { Type: 'local', Config: { 'max-size': '1m' } } } },
  },
  {
    argv: '--add-host a=1.2.3.4 --add-host b:[::1] img',
    has: { HostConfig: { ExtraHosts: ['a:1.2.3.4', 'b:::1'] } },
  },
  {
    argv: '--device-read-bps /dev/sda:1mb --blkio-weight-device /dev/sda:200 img',
    has: {
      HostConfig: {
        BlkioDeviceReadBps: [{ Path: '/dev/sda', Rate: 1_048_576 }],
        BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 200 }],
      },
    },
  },
  {
    argv: '-l a=b -l c --sysctl net.x=1 --stop-timeout 3 --stop-signal INT img',
    has: {
      Labels: { a: 'b', c: '' },
      StopTimeout: 3,
      StopSignal: 'INT',
      HostConfig: { Sysctls: { 'net.x': '1' } },
    },
  },
]

for (const { argv, has } of cases) {
  test(`run ${argv}`, () => assertHas(requestOf(argv.split(' ')), has))
}

test('detached, nothing is attached', () => {
  assertHas(requestOf(['-i', 'img'], { detach: true }), {
    AttachStdin: false,
    AttachStdout: false,
    OpenStdin: true,
    StdinOnce: false,
  })
})

const failures: readonly { readonly argv: string; readonly message: string }[] = [
  {
    argv: '--rm --restart always img',
    message: 'conflicting options: cannot specify both --restart and --rm',
  },
  { argv: '-v :/x img', message: 'invalid spec: :/x: empty section between colons' },
  { argv: '-m 1x img', message: 'invalid argument "1x" for "-m, --memory" flag: invalid suffix: \'x\'' },
  {
    argv: '--cpus x img',
    message: 'invalid argument "x" for "--cpus" flag: failed to parse x as a rational number',
  },
  {
    argv: '--mount foo img',
    message: 'invalid argument "foo" for "--mount" flag: invalid field \'foo\' must be a key=value pair',
  },
  {
    argv: '--mount type=bind,source=/a img',
    message: 'invalid argument "type=bind,source=/a" for "--mount" flag: target is required',
  },
  { argv: '--pid x img', message: '--pid: invalid PID mode' },
  {
    argv: '--sysctl foo=bar img',
    message: 'invalid argument "foo=bar" for "--sysctl" flag: sysctl \'foo=bar\' is not allowed',
  },
  {
    argv: '--health-cmd x --no-healthcheck img',
    message: '--no-healthcheck conflicts with --health-* options',
  },
  {
    argv: '--ulimit nofile=5:3 img',
    message:
      'invalid argument "nofile=5:3" for "--ulimit" flag: ulimit soft limit must be less than or equal to hard limit: 5 > 3',
  },
  {
    argv: '--health-interval 5 img',
    message: 'invalid argument "5" for "--health-interval" flag: time: missing unit in duration "5"',
  },
  { argv: '--log-driver none --log-opt a=b img', message: 'invalid logging opts for driver none' },
]

for (const { argv, message } of failures) {
  test(`run ${argv} is refused`, () => assert.throws(() => requestOf(argv.split(' ')), { message }))
}
