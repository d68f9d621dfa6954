import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { run, type Engine } from '../../tests/support/engine.ts'
import { ReferenceDockerd } from '../../tests/support/reference.ts'
import { scratchDirectory } from '../../tests/support/scratch.ts'
import { until } from '../../tests/support/until.ts'
import { timed, type Subject } from '../measure.ts'

const dnsLoad = fileURLToPath(new URL('../dns-load.ts', import.meta.url))
const SECONDS = '3'
const PORT = 18_090

/** Servers in the namespace of the container `web`, by engine: iperf3 at port 5201, nginx at port 80. */
const servers = new Map<string, readonly ChildProcess[]>()

/** The network namespace of a container, seen from here. */
async function netnsOf(engine: Engine, container: string): Promise<string> {
  const key = await engine.ok('inspect', '-f', '{{.NetworkSettings.SandboxKey}}', container)
  return engine instanceof ReferenceDockerd ? `/proc/${engine.pid}/root${key}` : key
}

async function addressOf(engine: Engine, container: string, field = 'IPAddress'): Promise<string> {
  const format = `{{with index .NetworkSettings.Networks "load"}}{{.${field}}}{{end}}`
  return await engine.ok('inspect', '-f', format, container)
}

/** Two containers on a network, one of them with servers and published ports. */
async function prepare(engine: Engine): Promise<void> {
  await engine.ok('network', 'create', 'load')
  const sleeper = ['busybox', 'sleep', '100000']
  await engine.ok('run', '-d', '--name', 'web', '--network', 'load', '-p', `${PORT}:80`, '-p', `${PORT + 1}:5201`, ...sleeper) // prettier-ignore
  await engine.ok('run', '-d', '--name', 'client', '--network', 'load', ...sleeper)
  const netns = await netnsOf(engine, 'web')
  const root = scratchDirectory('nginx')
  mkdirSync(root, { recursive: true })
  writeFileSync(
    `${root}/nginx.conf`,
    `daemon off; master_process off; pid ${root}/pid; error_log ${root}/error.log;
     events { worker_connections 1024; }
     http { access_log off; server { listen 80; location / { return 200 "ok"; } } }`,
  )
  const start = (...argv: readonly string[]): ChildProcess =>
    spawn('nsenter', [`--net=${netns}`, ...argv], { stdio: 'ignore' })
  servers.set(engine.name, [start('iperf3', '-s'), start('nginx', '-p', root, '-c', `${root}/nginx.conf`)])
  await until('the servers listen', async () => {
    const { stdout } = await run(['nsenter', `--net=${netns}`, 'ss', '-Hlnt'])
    return stdout.includes(':5201') && stdout.includes(':80 ')
  })
}

async function restore(engine: Engine): Promise<void> {
  for (const child of servers.get(engine.name) ?? []) child.kill('SIGKILL')
  await engine.ok('rm', '-f', 'web', 'client')
  await engine.ok('network', 'rm', 'load')
}

/** Megabits a second from somewhere to an iperf3 server. */
async function throughput(prefix: readonly string[], host: string, port: number): Promise<number> {
  const { stdout } = await run([...prefix, 'iperf3', '-c', host, '-p', String(port), '-t', SECONDS, '-J'])
  const { end } = JSON.parse(stdout) as { end: { sum_received?: { bits_per_second: number } } }
  return (end.sum_received?.bits_per_second ?? NaN) / 1e6
}

/** Connections a second, one request each. */
async function connections(prefix: readonly string[], url: string): Promise<number> {
  const { stdout } = await run([...prefix, 'wrk', '-t', '1', '-c', '16', '-d', `${SECONDS}s`, '-H', 'Connection: close', url]) // prettier-ignore
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

async function dns(engine: Engine): Promise<{ readonly rate: number; readonly p99: number }> {
  const netns = await netnsOf(engine, 'client')
  const flags = ['--disable-warning=ExperimentalWarning', dnsLoad, 'web', SECONDS, '16']
  const { stdout } = await run(['nsenter', `--net=${netns}`, process.execPath, ...flags])
  return JSON.parse(stdout) as { rate: number; p99: number }
}

const inside = async (engine: Engine): Promise<readonly string[]> => [
  'nsenter',
  `--net=${await netnsOf(engine, 'client')}`,
]

/** Throughput, connections and names; of rates, more is better. */
export const networkCases: readonly Subject[] = [
  {
    name: 'host to a published port, throughput',
    unit: 'Mbit/s',
    rounds: 3,
    prepare,
    once: async (engine) =>
      throughput(engine.networkPrefix, await addressOf(engine, 'web', 'Gateway'), PORT + 1),
  },
  {
    name: 'host to a published port, connections',
    unit: '/s',
    rounds: 3,
    once: async (engine) =>
      connections(engine.networkPrefix, `http://${await addressOf(engine, 'web', 'Gateway')}:${PORT}/`),
  },
  {
    name: 'container to container, throughput',
    unit: 'Mbit/s',
    rounds: 3,
    once: async (engine) => throughput(await inside(engine), await addressOf(engine, 'web'), 5201),
  },
  {
    name: 'container to container, connections',
    unit: '/s',
    rounds: 3,
    once: async (engine) => connections(await inside(engine), `http://${await addressOf(engine, 'web')}/`),
  },
  {
    name: 'embedded DNS, answers',
    unit: '/s',
    rounds: 3,
    once: async (engine) => (await dns(engine)).rate,
  },
  {
    name: 'embedded DNS, 99th percentile',
    unit: 'µs',
    rounds: 3,
    once: async (engine) => (await dns(engine)).p99 * 1000,
    restore,
  },
]

/** The packet path and the start of a container with so many others, each with two published ports: it should cost what it costs with none. */
export function crowdCases(count: number): readonly Subject[] {
  const start: Omit<Subject, 'name'> = {
    unit: 'ms',
    rounds: 7,
    once: (engine) => timed(() => engine.ok('run', '--rm', '-p', '18099:80', 'busybox', 'true')),
  }
  const path: Omit<Subject, 'name'> = {
    unit: '/s',
    rounds: 3,
    once: async (engine) =>
      connections(engine.networkPrefix, `http://${await addressOf(engine, 'web', 'Gateway')}:${PORT}/`),
  }
  const with_ = `with ${count} containers and ${count * 2} ports`
  return [
    { ...start, name: 'run -p, alone', prepare },
    { ...path, name: 'connections to a published port, alone' },
    { ...start, name: `run -p, ${with_}`, prepare: (engine) => crowd(engine, count) },
    {
      ...path,
      name: `connections to a published port, ${with_}`,
      restore: async (engine) => {
        const ids = (await engine.ok('ps', '-aq', '--filter', 'label=crowd')).split('\n')
        await engine.ok('rm', '-f', ...ids)
        await restore(engine)
      },
    },
  ]
}

async function crowd(engine: Engine, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => index)
  const worker = async (): Promise<void> => {
    for (let next = numbers.shift(); next !== undefined; next = numbers.shift()) {
      const first = 20_000 + next * 2
      await engine.ok('run', '-d', '--label', 'crowd', '-p', `${first}:80`, '-p', `${first + 1}:81`, 'busybox', 'sleep', '100000') // prettier-ignore
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
}
