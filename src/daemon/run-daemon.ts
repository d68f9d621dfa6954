import { mkdirSync } from 'node:fs'
import { ApiServer } from '#api/server.ts'
import type { Logger, LogLevel } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import { createAuthorizer } from './authorization-plugins.ts'
import { callerOf, userOf } from './callers.ts'
import { compose } from './compose.ts'
import type { DaemonConfig } from './config.ts'
import { lockDataRoot } from './data-lock.ts'
import { openListeners, planListeners } from './listeners.ts'
import { serveMetrics } from './metrics.ts'
import { openRemap, remappedRoot } from './open-remap.ts'
import { writePidfile } from './pidfile.ts'
import { SETTINGS } from './settings.ts'
import { traceTo } from './tracing.ts'
import { PRODUCT_VERSION } from './version.ts'

export interface RunOptions {
  readonly log: Logger
  /** Reads flags and file again, for SIGHUP. */
  readonly reread: () => DaemonConfig
  readonly setLogLevel: (level: LogLevel) => void
}

/** How long requests under way may take to end when the daemon stops. */
const DRAIN_MS = 2000

/** Runs the daemon until SIGTERM or SIGINT. Containers go on after it. */
export async function runDaemon(given: DaemonConfig, options: RunOptions): Promise<void> {
  const { log } = options
  const startMs = performance.now()
  process.umask(0o022)
  const config = await remapped(given, log)
  if (config.traceFile !== null) traceTo(config.traceFile)
  const planned = planListeners(config)
  mkdirSync(config.execRoot, { recursive: true, mode: 0o711 })
  using _lock = lockDataRoot(config.dataRoot)
  using _pid = writePidfile(config.pidfile)
  guard(log)
  warnOfNoEffect(config, log)
  const daemon = await compose(config, log)
  const { promise: ready, resolve: setReady } = Promise.withResolvers<void>()
  const api = new ApiServer(daemon.backends, {
    ready,
    log: log.with({ area: 'api' }),
    version: PRODUCT_VERSION,
    callerOf,
    userOf,
    authorizer:
      config.authorizationPlugins.length === 0
        ? null
        : createAuthorizer(config.authorizationPlugins, daemon.plugins),
  })
  const stopped = untilStopped()
  await using _metrics =
    config.metricsAddress === null
      ? null
      : await serveMetrics(config.metricsAddress, {
          containers: daemon.backends.containers,
          events: daemon.events,
          dns: daemon.dnsCounts,
        })
  const listeners = await openListeners(api, planned, { group: config.group, log })
  log.info('serving', { ms: Math.round(performance.now() - startMs), version: PRODUCT_VERSION })
  process.on('SIGHUP', () => reload((next) => daemon.reload(next), { config, options }))
  const recovered = daemon
    .recover()
    .then(
      () => log.info('recovered', { ms: Math.round(performance.now() - startMs) }),
      (error: unknown) => log.error('cannot recover', { error: messageOf(error) }),
    )
    .finally(setReady)
  const signal = await stopped
  log.info('stopping', { signal })
  const closed = listeners[Symbol.asyncDispose]()
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, DRAIN_MS))])
  api.closeConnections()
  await closed
  await recovered
  await daemon.close()
  log.info('stopped')
}

/** The configuration with the ids of `userns-remap`, and the data root that goes with them. */
async function remapped(config: DaemonConfig, log: Logger): Promise<DaemonConfig> {
  const ids = await openRemap(config.usernsRemap, log)
  if (ids === null) return config
  return { ...config, remap: { ids }, dataRoot: remappedRoot(config.dataRoot, ids) }
}

/** A fault in one request must not end the others: it is logged, and the daemon goes on. */
function guard(log: Logger): void {
  const report = (what: string) => (error: unknown) => {
    log.error(what, { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined })
  }
  process.on('unhandledRejection', report('unhandled rejection'))
  process.on('uncaughtException', report('uncaught exception'))
}

function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
    // The one who started it from a terminal may leave.
    process.on('SIGPIPE', () => {})
  })
}

function reload(
  apply: (config: DaemonConfig) => void,
  about: { readonly config: DaemonConfig; readonly options: RunOptions },
): void {
  const { log, reread, setLogLevel } = about.options
  try {
    const next = reread()
    setLogLevel(next.logLevel)
    apply(next)
    log.info('reloaded configuration', { file: next.file })
    const late = changedKeys(about.config, next).filter((key) => !RELOADED.has(key))
    if (late.length > 0) {
      log.warn('changed settings take effect at the next start', { settings: late.join(', ') })
    }
  } catch (error) {
    log.error('cannot reload the configuration; what was is kept', { error: messageOf(error) })
  }
}

const RELOADED = new Set(SETTINGS.filter(({ reloads }) => reloads === true).map(({ key }) => key))

function changedKeys(before: DaemonConfig, after: DaemonConfig): string[] {
  const keys = new Set([...before.settings.keys(), ...after.settings.keys()])
  const textOf = (config: DaemonConfig, key: string): string =>
    JSON.stringify(config.settings.get(key) ?? null)
  return [...keys].filter((key) => textOf(before, key) !== textOf(after, key))
}

function warnOfNoEffect(config: DaemonConfig, log: Logger): void {
  for (const { key, noEffect } of SETTINGS) {
    if (noEffect !== undefined && config.settings.has(key)) {
      log.warn('a setting has no effect', { setting: key, reason: noEffect })
    }
  }
}
