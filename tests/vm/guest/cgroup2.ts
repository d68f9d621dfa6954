/** Runs inside the machine (see ../machine.ts): containers on cgroup v2, with systemd's driver and without. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const socket = '/run/wharf/wharf.sock'
const DEADLINE_MS = 120_000
let failures = 0

function docker(...args: readonly string[]): string {
  return execFileSync('/usr/local/bin/docker', ['-H', `unix://${socket}`, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], DOCKER_CLI_HINTS: 'false', HOME: '/root' },
  }).trim()
}

function fails(...args: readonly string[]): { readonly status: number; readonly text: string } {
  try {
    return { status: 0, text: docker(...args) }
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string }
    return { status, text: stderr }
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + DEADLINE_MS
  while (!holds()) {
    if (Date.now() > end) throw new Error(`in vain: ${what}`)
    await pause(200)
  }
}

/** V8 now and then fails one of its own checks under emulation: then it is started once more. */
async function startDaemon(...flags: readonly string[]): Promise<ChildProcess> {
  for (let tries = 1; ; tries++) {
    const daemon = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '/project/src/daemon/main.ts',
        ...['--data-root', '/var/lib/wharf', '--bridge', 'none', '-l', 'warn', ...flags],
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    )
    const hasEnded = (): boolean => daemon.exitCode !== null || daemon.signalCode !== null
    await until(
      'the daemon serves',
      () => hasEnded() || (existsSync(socket) && fails('version').status === 0),
    )
    if (!hasEnded() || tries === 3) return daemon
  }
}

async function stopDaemon(daemon: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  daemon.kill('SIGTERM')
  await ended
}

async function check(name: string, work: () => Promise<void> | void): Promise<void> {
  try {
    await work()
    console.log(`passed: ${name}`)
  } catch (error) {
    failures++
    console.log(`FAILED: ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  }
}

const none = ['--network', 'none']
const pidOf = (name: string): string => docker('inspect', '-f', '{{.State.Pid}}', name)
const cgroupOf = (name: string): string =>
  readFileSync(`/proc/${pidOf(name)}/cgroup`, 'utf8')
    .trim()
    .replace(/^0::/, '')
const read = (name: string, file: string): string =>
  readFileSync(`/sys/fs/cgroup${cgroupOf(name)}/${file}`, 'utf8').trim()

const LIMITS = [
  ...['-m', '64m', '--memory-swap', '96m', '--memory-reservation', '32m', '--cpus', '0.5'],
  ...['--cpu-shares', '512', '--cpuset-cpus', '1', '--pids-limit', '50'],
]

function limitsHold(name: string): void {
  assert.equal(read(name, 'memory.max'), String(64 << 20))
  assert.equal(read(name, 'memory.swap.max'), String(32 << 20))
  assert.equal(read(name, 'memory.low'), String(32 << 20))
  assert.equal(read(name, 'cpu.max'), '50000 100000')
  assert.equal(read(name, 'cpu.weight'), '20')
  assert.equal(read(name, 'cpuset.cpus'), '1')
  assert.equal(read(name, 'pids.max'), '50')
}

async function limitsAndTheirLife(runtime: string): Promise<void> {
  const flags = [...none, '--runtime', runtime]
  await check(`${runtime}: limits are in the container's cgroup`, () => {
    docker('run', '-d', '--name', 'limited', ...flags, ...LIMITS, 'busybox', 'sleep', '10000')
    limitsHold('limited')
  })
  await check(`${runtime}: update changes them, and systemd does not change them back`, () => {
    docker('update', '-m', '80m', '--memory-swap', '128m', '--cpus', '0.25', '--pids-limit', '60', 'limited')
    const updated = (): void => {
      assert.equal(read('limited', 'memory.max'), String(80 << 20))
      assert.equal(read('limited', 'memory.swap.max'), String(48 << 20))
      assert.equal(read('limited', 'cpu.max'), '25000 100000')
      assert.equal(read('limited', 'pids.max'), '60')
    }
    updated()
    execFileSync('systemctl', ['daemon-reload'])
    updated()
  })
  await check(`${runtime}: stats, top and pause read and write the same cgroup`, () => {
    const [line = ''] = docker(
      'stats',
      '--no-stream',
      '--format',
      '{{.PIDs}} {{.MemUsage}}',
      'limited',
    ).split('\n')
    assert.match(line, /^1 \S+ \/ 80MiB$/)
    assert.match(docker('top', 'limited'), /sleep 10000/)
    docker('pause', 'limited')
    assert.match(readFileSync(`/sys/fs/cgroup${cgroupOf('limited')}/cgroup.events`, 'utf8'), /frozen 1/)
    docker('unpause', 'limited')
    docker('exec', 'limited', 'true')
  })
  await check(`${runtime}: the end of a container takes its cgroup away`, async () => {
    const cgroup = cgroupOf('limited')
    docker('rm', '-f', 'limited')
    await until('the cgroup is gone', () => !existsSync(`/sys/fs/cgroup${cgroup}`))
  })
  await check(`${runtime}: a kill for want of memory is told`, async () => {
    docker(
      'create',
      '--name',
      'greedy',
      ...flags,
      '-m',
      '24m',
      '--memory-swap',
      '24m',
      'busybox',
      'tail',
      '/dev/zero',
    )
    fails('start', '-a', 'greedy')
    assert.equal(docker('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'greedy'), 'true 137')
    const events = docker(
      'events',
      '--since',
      '10m',
      '--until',
      '0s',
      '--filter',
      'event=oom',
      '--format',
      '{{.Action}}',
    )
    assert.match(events, /oom/)
    docker('rm', 'greedy')
    await until(
      'no failed unit is left',
      () => !/wharf-/.test(systemctl('list-units', '--failed', '--plain')),
    )
  })
}

function systemctl(...args: readonly string[]): string {
  return execFileSync('systemctl', args, { encoding: 'utf8' })
}

mkdirSync('/run/wharf', { recursive: true })
assert.equal(existsSync('/sys/fs/cgroup/cgroup.controllers'), true, 'cgroup v2 is mounted')

let daemon = await startDaemon()
docker('load', '-i', '/project/busybox.tar')
await check('systemd makes the cgroups where it runs', () => {
  assert.equal(docker('info', '-f', '{{.CgroupDriver}} {{.CgroupVersion}}'), 'systemd 2')
  const id = docker('run', '-d', '--name', 'placed', ...none, 'busybox', 'sleep', '10000')
  assert.match(cgroupOf('placed'), new RegExp(`^/system\\.slice/wharf-${id}\\.scope`))
  assert.match(systemctl('list-units', '--type=scope', '--plain'), new RegExp(`wharf-${id}\\.scope`))
  assert.equal(docker('exec', 'placed', 'cat', '/proc/self/cgroup'), '0::/')
})
await check('a parent is the name of a slice', () => {
  docker('run', '-d', '--name', 'child', ...none, '--cgroup-parent', 'a-b.slice', 'busybox', 'sleep', '10000')
  assert.match(cgroupOf('child'), /^\/a\.slice\/a-b\.slice\/wharf-[0-9a-f]{64}\.scope/)
  const { text } = fails('create', '--cgroup-parent', '/a/b', 'busybox')
  assert.match(text, /cgroup-parent for systemd cgroup should be a valid slice named as "xxx\.slice"/)
  docker('rm', '-f', 'child')
})
await limitsAndTheirLife('crun')
await limitsAndTheirLife('runc')
await check('what v2 has not is discarded with a warning, as in Docker', () => {
  const made = execFileSync(
    '/bin/sh',
    [
      '-c',
      `/usr/local/bin/docker -H unix://${socket} create --memory-swappiness 10 --oom-kill-disable busybox 2>&1`,
    ],
    { encoding: 'utf8' },
  )
  assert.match(made, /memory swappiness capabilities/)
  assert.match(made, /OomKillDisable/)
})
await check(
  'containers go on through a restart of the daemon, to the other driver, and end as they began',
  async () => {
    const cgroup = cgroupOf('placed')
    await stopDaemon(daemon)
    daemon = await startDaemon('--exec-opt', 'native.cgroupdriver=cgroupfs')
    assert.equal(docker('info', '-f', '{{.CgroupDriver}}'), 'cgroupfs')
    assert.equal(docker('exec', 'placed', 'echo', 'alive'), 'alive')
    docker('update', '--pids-limit', '70', 'placed')
    assert.equal(read('placed', 'pids.max'), '70')
    docker('rm', '-f', 'placed')
    await until('the scope is gone', () => !existsSync(`/sys/fs/cgroup${cgroup}`))
  },
)
await check('cgroupfs: limits, their update, and their end', async () => {
  docker('run', '-d', '--name', 'plain', ...none, ...LIMITS, 'busybox', 'sleep', '10000')
  assert.match(cgroupOf('plain'), /^\/wharf\/[0-9a-f]{64}$/)
  limitsHold('plain')
  docker('update', '-m', '80m', '--memory-swap', '128m', 'plain')
  assert.equal(read('plain', 'memory.max'), String(80 << 20))
  const cgroup = cgroupOf('plain')
  docker('rm', '-f', 'plain')
  await until('the cgroup is gone', () => !existsSync(`/sys/fs/cgroup${cgroup}`))
})
await check('writable cgroups can be divided', () => {
  const text = docker(
    ...['run', '--rm', ...none, '--security-opt', 'writable-cgroups=true', 'busybox'],
    ...['sh', '-c', 'mkdir /sys/fs/cgroup/mine && ls -d /sys/fs/cgroup/mine'],
  )
  assert.equal(text, '/sys/fs/cgroup/mine')
  assert.notEqual(fails('run', '--rm', ...none, 'busybox', 'mkdir', '/sys/fs/cgroup/mine').status, 0)
})
await stopDaemon(daemon)
daemon = await startDaemon('--experimental', '--default-runtime', 'runc')
await check('a container is frozen to files and goes on from there', async () => {
  const loop = 'i=0; while true; do echo $i > /count; i=$((i+1)); usleep 200000; done'
  docker('run', '-d', '--name', 'frozen', ...none, 'busybox', 'sh', '-c', loop)
  const count = (): number => Number(docker('exec', 'frozen', 'cat', '/count'))
  await until('it counts', () => count() > 3)
  docker('checkpoint', 'create', 'frozen', 'one')
  await until('it has ended', () => docker('inspect', '-f', '{{.State.Running}}', 'frozen') === 'false')
  assert.match(docker('checkpoint', 'ls', 'frozen'), /^one$/m)
  docker('start', '--checkpoint', 'one', 'frozen')
  assert.ok(count() > 3)
  const before = count()
  await until('it counts on', () => count() > before)
  docker('checkpoint', 'create', '--leave-running', 'frozen', 'two')
  assert.equal(docker('inspect', '-f', '{{.State.Running}}', 'frozen'), 'true')
  docker('checkpoint', 'rm', 'frozen', 'one')
  assert.match(docker('checkpoint', 'ls', 'frozen'), /NAME\s+two$/)
  docker('rm', '-f', 'frozen')
})
await stopDaemon(daemon)
process.exitCode = failures === 0 ? 0 : 1
