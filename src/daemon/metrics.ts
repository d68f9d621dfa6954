import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { availableParallelism, totalmem } from 'node:os'
import type { ContainerQueries } from '#api/backends.ts'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Events } from '#events/events.ts'
import type { DnsCounts } from '#network/networks.ts'
import { kernelVersion, machineName, operatingSystem } from './machine-facts.ts'
import { PRODUCT_VERSION } from './version.ts'

export interface MetricsSources {
  readonly containers: Pick<ContainerQueries, 'counts'>
  readonly events: Events
  readonly dns: () => DnsCounts
}

/**
 * Serves `/metrics` in Prometheus' text format, by dockerd's names where it has them (`metrics-addr`).
 * @throws InvalidArgumentError for an address that is none, or is taken
 */
export async function serveMetrics(address: string, sources: MetricsSources): Promise<AsyncDisposable> {
  const match = /^(\[[^\]]+\]|[^:]*):(\d+)$/.exec(address)
  if (match === null) throw new InvalidArgumentError(`invalid metrics-addr: ${address}`)
  const host = (match[1] as string).replace(/^\[|\]$/g, '') || '127.0.0.1'
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') response.writeHead(404).end()
    else response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4' }).end(metricsText(sources))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new InvalidArgumentError(`cannot serve metrics on ${address}: ${error.message}`, { cause: error }),
      ),
    )
    server.listen(Number(match[2]), host, resolve)
  })
  return {
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const startedAt = Date.now() / 1000 - process.uptime()

/** The figures of this moment. */
export function metricsText({ containers, events, dns }: MetricsSources): string {
  const { running, paused, stopped } = containers.counts()
  const cpu = process.cpuUsage()
  const info = {
    version: PRODUCT_VERSION,
    kernel: kernelVersion(),
    os: operatingSystem().name,
    architecture: machineName(),
  }
  const labels = Object.entries(info).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  return [
    ...metric('engine_daemon_container_states_containers', 'gauge', 'Containers in the states'),
    `engine_daemon_container_states_containers{state="paused"} ${String(paused)}`,
    `engine_daemon_container_states_containers{state="running"} ${String(running)}`,
    `engine_daemon_container_states_containers{state="stopped"} ${String(stopped)}`,
    ...value('engine_daemon_engine_cpus_cpus', 'gauge', {
      help: 'CPUs of the host',
      now: availableParallelism(),
    }),
    ...value('engine_daemon_engine_memory_bytes', 'gauge', { help: 'Memory of the host', now: totalmem() }),
    ...metric('engine_daemon_engine_info', 'gauge', 'The engine and its host'),
    `engine_daemon_engine_info{${labels.join(',')}} 1`,
    ...value('engine_daemon_events_subscribers_total', 'gauge', {
      help: 'Followers of events',
      now: events.listeners,
    }),
    ...metric('wharf_dns_answers_total', 'counter', 'Answers of the embedded DNS, by who knew'),
    ...Object.entries(dns()).map(
      ([from, count]) => `wharf_dns_answers_total{from="${from}"} ${String(count)}`,
    ),
    ...value('process_resident_memory_bytes', 'gauge', {
      help: 'Resident memory',
      now: process.memoryUsage.rss(),
    }),
    ...value('process_open_fds', 'gauge', {
      help: 'Open descriptors',
      now: readdirSync('/proc/self/fd').length,
    }),
    ...value('process_cpu_seconds_total', 'counter', {
      help: 'CPU time',
      now: (cpu.user + cpu.system) / 1e6,
    }),
    ...value('process_start_time_seconds', 'gauge', { help: 'Start, since the epoch', now: startedAt }),
    '',
  ].join('\n')
}

function metric(name: string, type: 'gauge' | 'counter', help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function value(
  name: string,
  type: 'gauge' | 'counter',
  about: { readonly help: string; readonly now: number },
): string[] {
  return [...metric(name, type, about.help), `${name} ${String(about.now)}`]
}
