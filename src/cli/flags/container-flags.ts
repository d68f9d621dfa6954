import { bool, FlagValueError, int, list, map, string } from '../core/flag.ts'
import { bytes, cpus } from './bytes.ts'
import { gpus, throttles, weights } from './devices.ts'
import { duration } from './duration.ts'
import { extraHost } from './extra-host.ts'
import { mounts } from './mount.ts'
import { networks } from './network-attachment.ts'
import { sysctls } from './sysctl.ts'
import { ulimits } from './ulimit.ts'

const streams = new Set(['stdin', 'stdout', 'stderr'])

function attachable(text: string): string {
  const stream = text.toLowerCase()
  if (!streams.has(stream)) throw new FlagValueError('valid streams are STDIN, STDOUT and STDERR')
  return stream
}

function volumeSpec(text: string): string {
  if (text === '') throw new FlagValueError('invalid empty volume spec')
  return text
}

/** The flags that describe a container: those of `create` and `run`. */
export const containerFlags = {
  'add-host': list('Add a line to /etc/hosts (host:ip)', { check: extraHost }),
  annotation: map('Annotation for the OCI runtime'),
  attach: list('Attach STDIN, STDOUT or STDERR', { short: 'a', check: attachable }),
  'blkio-weight': int('Share of block I/O, 10 to 1000, 0 for none', {
    kind: 'uint16',
    unsigned: true,
    defaultText: '0',
  }),
  'blkio-weight-device': weights('Share of block I/O of a device'),
  'cap-add': list('Add a Linux capability'),
  'cap-drop': list('Drop a Linux capability'),
  'cgroup-parent': string('Parent cgroup'),
  cgroupns: string("Cgroup namespace: 'host', 'private', or '' for the daemon's choice"),
  cidfile: string('Write the id to a file'),
  'cpu-period': int('CFS period in microseconds'),
  'cpu-quota': int('CFS quota in microseconds'),
  'cpu-rt-period': int('Real-time period in microseconds'),
  'cpu-rt-runtime': int('Real-time runtime in microseconds'),
  'cpu-shares': int('Share of CPU (relative)', { short: 'c' }),
  cpus: cpus('How many CPUs'),
  'cpuset-cpus': string('CPUs that may be used (0-3, 0,1)'),
  'cpuset-mems': string('Memory nodes that may be used (0-3, 0,1)'),
  'cpu-count': int('CPU count (Windows only)', { hidden: true }),
  'cpu-percent': int('CPU percent (Windows only)', { hidden: true }),
  device: list('Add a device of the host'),
  'device-cgroup-rule': list('Add a rule to the devices that are allowed'),
  'device-read-bps': throttles('Limit reading from a device (bytes per second)', { isBytes: true }),
  'device-read-iops': throttles('Limit reading from a device (operations per second)', { isBytes: false }),
  'device-write-bps': throttles('Limit writing to a device (bytes per second)', { isBytes: true }),
  'device-write-iops': throttles('Limit writing to a device (operations per second)', { isBytes: false }),
  'disable-content-trust': bool('Skip image verification', { initial: true, hidden: true }),
  dns: list('DNS server'),
  'dns-option': list('DNS option'),
  'dns-opt': list('DNS option', { hidden: true }),
  'dns-search': list('DNS search domain'),
  domainname: string('NIS domain name'),
  entrypoint: string('Entrypoint instead of the image’s'),
  env: list('Set a variable', { short: 'e' }),
  'env-file': list('Read variables from a file'),
  expose: list('Expose a port or a range'),
  gpus: gpus(),
  'group-add': list('Additional group'),
  'health-cmd': string('Command that checks health'),
  'health-interval': duration('Time between checks (ms|s|m|h)', { defaultText: '0s' }),
  'health-on-failure': string('What to do when it becomes unhealthy (none, kill, restart, stop)', {
    defaultText: 'none',
  }),
  'health-retries': int('Failures in a row that mean unhealthy'),
  'health-start-interval': duration('Time between checks while starting (ms|s|m|h)', { defaultText: '0s' }),
  'health-start-period': duration('Time to start, in which failures do not count (ms|s|m|h)', {
    defaultText: '0s',
  }),
  'health-timeout': duration('Longest time of one check (ms|s|m|h)', { defaultText: '0s' }),
  hostname: string('Host name', { short: 'h' }),
  init: bool('Run an init that forwards signals and reaps processes'),
  interactive: bool('Keep stdin open', { short: 'i' }),
  ip: string('IPv4 address'),
  ip6: string('IPv6 address'),
  ipc: string('IPC mode'),
  isolation: string('Isolation (Windows only)', { hidden: true }),
  'kernel-memory': bytes('Kernel memory limit', { hidden: true }),
  label: list('Set metadata', { short: 'l' }),
  'label-file': list('Read labels from a file'),
  link: list('Link to another container'),
  'link-local-ip': list('Link-local address'),
  'log-driver': string('Log driver'),
  'log-opt': list('Option of the log driver'),
  'mac-address': string('MAC address'),
  memory: bytes('Memory limit', { short: 'm' }),
  'memory-reservation': bytes('Soft memory limit'),
  'memory-swap': bytes("Limit of memory and swap together: '-1' for unlimited swap", { minusOne: true }),
  'memory-swappiness': int('How readily memory is swapped (0 to 100)', { defaultText: '-1' }),
  mount: mounts(),
  name: string('Name'),
  network: networks(),
  net: networks({ hidden: true }),
  'network-alias': list('Further name on its networks'),
  'net-alias': list('Further name on its networks', { hidden: true }),
  'no-healthcheck': bool('Turn off any health check'),
  'oom-kill-disable': bool('Do not kill when memory runs out'),
  'oom-score-adj': int('How readily to kill when memory runs out (-1000 to 1000)'),
  pid: string('PID namespace'),
  'pids-limit': int('How many processes (-1 for unlimited)'),
  platform: string('Platform of the image'),
  privileged: bool('Give it everything'),
  publish: list('Publish a port', { short: 'p' }),
  'publish-all': bool('Publish all exposed ports', { short: 'P' }),
  pull: string('When to pull the image ("always", "missing", "never")', { initial: 'missing' }),
  quiet: bool('Say nothing while pulling', { short: 'q' }),
  'read-only': bool('Mount the root file system read-only'),
  restart: string('When to restart it', { initial: 'no' }),
  rm: bool('Remove it when it has ended'),
  runtime: string('Runtime'),
  'security-opt': list('Security option'),
  'shm-size': bytes('Size of /dev/shm'),
  'stop-signal': string('Signal that stops it'),
  'stop-timeout': int('Seconds until it is killed when it does not stop'),
  'storage-opt': list('Option of the storage driver'),
  sysctl: sysctls(),
  tmpfs: list('Mount a tmpfs'),
  tty: bool('Give it a terminal', { short: 't' }),
  ulimit: ulimits(),
  user: string('User, or uid (name|uid[:group|gid])', { short: 'u' }),
  userns: string('User namespace'),
  uts: string('UTS namespace'),
  volume: list('Mount a volume or a folder', { short: 'v', check: volumeSpec }),
  'volume-driver': string('Driver of its volumes'),
  'volumes-from': list('Mount the volumes of another container'),
  workdir: string('Working directory', { short: 'w' }),
} as const
