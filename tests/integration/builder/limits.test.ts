import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Wharfd } from '../../support/wharfd.ts'
import { said, wharfBuild } from './wharf-build.ts'

let daemon: Wharfd
before(async () => {
  daemon = await Wharfd.startWithBusybox()
})
after(() => daemon.stop())

/** What a RUN says with these flags. */
async function told(run: string, ...args: readonly string[]): Promise<readonly string[]> {
  const built = await wharfBuild(daemon, { Dockerfile: `FROM busybox\nRUN ${run}` }, ['--no-cache', ...args])
  assert.equal(built.exitCode, 0, built.stderr + built.stdout)
  return said(built)
}

/** Reads a limit of the command's cgroup, whichever version it is. */
const limit = (v1: string, v2: string): string =>
  `for f in /sys/fs/cgroup/${v1} /sys/fs/cgroup/${v2}; do test ! -e $f || sed 's/^/say /' $f; done`

const cases: readonly (readonly [
  title: string,
  run: string,
  args: readonly string[],
  expected: readonly string[],
])[] = [
  ['--shm-size', `df -k /dev/shm | awk 'NR==2{print "say "$2}'`, ['--shm-size', '5m'], ['5120']],
  ['--ulimit', 'echo say $(ulimit -n) $(ulimit -Hn)', ['--ulimit', 'nofile=77:99'], ['77 99']],
  [
    '--add-host',
    `awk '/who/{print "say "$1" "$2}' /etc/hosts`,
    ['--add-host', 'who:10.9.8.7'],
    ['10.9.8.7 who'],
  ],
  ['--network none', 'echo say $(ls /sys/class/net)', ['--network', 'none'], ['lo']],
  ['RUN --network over --network', 'true\nRUN --network=none echo say $(ls /sys/class/net)', [], ['lo']],
  ['--memory', limit('memory/memory.limit_in_bytes', 'memory.max'), ['--memory', '64m'], ['67108864']],
  ['--cpu-shares', limit('cpu/cpu.shares', 'cpu.no-such'), ['--cpu-shares', '512'], ['512']],
  [
    '--cpu-quota',
    limit('cpu/cpu.cfs_quota_us', 'cpu.no-such'),
    ['--cpu-quota', '50000', '--cpu-period', '100000'],
    ['50000'],
  ],
  ['--cpuset-cpus', limit('cpuset/cpuset.cpus', 'cpuset.cpus'), ['--cpuset-cpus', '0'], ['0']],
]
for (const [title, run, args, expected] of cases) {
  test(`${title} holds for RUN`, async () => assert.deepEqual(await told(run, ...args), expected))
}

test('a command that takes more memory than it may is killed', async () => {
  const built = await wharfBuild(daemon, { Dockerfile: 'FROM busybox\nRUN head -c 200m /dev/zero | tail' }, [
    '--no-cache',
    '--memory',
    '32m',
    '--memory-swap',
    '32m',
  ])
  assert.notEqual(built.exitCode, 0)
  assert.match(built.stderr, /returned a non-zero code: (137|1)/)
})

test('--network of another container is refused where there is none', async () => {
  const built = await wharfBuild(daemon, { Dockerfile: 'FROM busybox\nRUN true' }, [
    '--no-cache',
    '--network',
    'container:nobody',
  ])
  assert.equal(built.exitCode, 1)
  assert.match(built.stderr, /No such container: nobody/)
})
