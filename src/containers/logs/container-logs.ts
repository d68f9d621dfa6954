import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/logger.ts'
import { NotImplementedError, messageOf } from '#errors/errors.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerRecord } from '../records.ts'
import type { RunListener } from '../runs.ts'
import { isAlive } from '../state.ts'
import { JsonLog } from './json-log.ts'
import { cacheOptions } from './log-config.ts'
import type { LogDrivers } from './log-drivers.ts'
import { RotatedFile } from './rotated-file.ts'
import { parseJsonRotation, parseLocalRotation } from './rotation-options.ts'
import { parseBool } from './go-values.ts'
import type { SinkFactory } from './sink-consumer.ts'
import { SpoolFeeder } from './spool-feeder.ts'

/** How long a sink that is down may keep the log of a removed container. */
const LAST_CHANCE_MS = 10_000
/**
 * A start is answered when the process is let go, before it has said anything; whoever reads its log at once means what it says first.
 * So long after the start a reader waits for that, at most.
 */
const FIRST_OUTPUT_MS = 60
const FIRST_OUTPUT_POLL_MS = 3

interface OpenLog {
  readonly feeder: SpoolFeeder
  readonly file: RotatedFile
  readonly hasSink: boolean
}

/** The logs of all containers: feeds the drivers while containers run, and gives readers the files. */
export class ContainerLogs implements RunListener {
  readonly #directory: string
  readonly #logger: Logger
  readonly #drivers: LogDrivers
  readonly #sinkOf: SinkFactory
  readonly #open = new Map<string, OpenLog>()
  /** When the run of a container that runs began, by the clock of `performance.now()`. */
  readonly #begun = new Map<string, number>()
  readonly #finishing = new Map<string, Promise<void>>()

  constructor(
    directory: string,
    options: { readonly logger: Logger; readonly drivers: LogDrivers; readonly sinkOf: SinkFactory },
  ) {
    this.#directory = directory
    this.#logger = options.logger
    this.#drivers = options.drivers
    this.#sinkOf = options.sinkOf
  }

  began(record: ContainerRecord): void {
    if (record.hostConfig.LogConfig?.Type === 'none') return
    this.#begun.set(record.id, performance.now())
    const finishing = this.#finishing.get(record.id)
    if (finishing === undefined) this.#feederOf(record).feeder.start()
    else void finishing.then(() => this.#feederOf(record).feeder.start())
  }

  /** The rest is taken behind the client's back; a reader waits for it. */
  ended(record: ContainerRecord): void {
    const { id } = record
    this.#begun.delete(id)
    const log = this.#open.get(id)
    if (log === undefined) return
    // Nobody can read the log of a container that goes with its end, but sinks and those who follow it already.
    const takesRest = record.hostConfig.AutoRemove !== true || log.feeder.hasReaders || log.hasSink
    const finished = (takesRest ? log.feeder.finish() : log.feeder.abandon().then(() => true)).then(
      (isDone) => {
        if (isDone) this.#close(id, log)
      },
    )
    this.#finishing.set(id, finished)
    void finished.then(() => this.#finishing.delete(id))
  }

  /** Goes on with what sinks had not taken of a container that does not run; after a start of the daemon. */
  found(record: ContainerRecord): void {
    if (isAlive(record.state) || !isSending(record.hostConfig.LogConfig?.Type ?? '')) return
    try {
      const log = this.#feederOf(record)
      void log.feeder.finish().then((isDone) => isDone && this.#close(record.id, log))
    } catch (error) {
      // Options that no run could begin with: nothing was written either.
      this.#logger.warn('open a log', { container: record.id, error: messageOf(error) })
    }
  }

  /** The container is gone: a sink that is down has a last chance. */
  forget(id: string): void {
    const log = this.#open.get(id)
    if (log === undefined) return
    const timer = setTimeout(() => {
      this.#close(id, log)
      void log.feeder.abandon()
    }, LAST_CHANCE_MS)
    timer.unref()
  }

  /**
   * The files of a container's log, all that it wrote so far in them, and the feeder when more may come. One who does not follow it
   * waits a moment for the first output of a container that was started just now.
   * @throws NotImplementedError in Docker's words for the driver `none`
   */
  async reader(
    record: ContainerRecord,
    options: { readonly follows: boolean },
  ): Promise<{ file: RotatedFile; feeder: SpoolFeeder | null }> {
    const type = record.hostConfig.LogConfig?.Type ?? ''
    const cacheDisabled = record.hostConfig.LogConfig?.Config?.['cache-disabled'] ?? 'false'
    if (type === 'none' || (isSending(type) && parseBool(cacheDisabled))) {
      throw new NotImplementedError('configured logging driver does not support reading')
    }
    await this.#finishing.get(record.id)
    const lingering = this.#open.get(record.id)
    if (lingering !== undefined && !isAlive(record.state)) {
      await lingering.feeder.flush()
      return { file: lingering.file, feeder: null }
    }
    const log = this.#feederOf(record)
    if (isAlive(record.state)) {
      await log.feeder.flush()
      const beganMs = this.#begun.get(record.id)
      if (!options.follows && beganMs !== undefined) await firstOutput(log, beganMs)
      return log
    }
    // It does not run, but a daemon that died may have left something to take.
    if (await log.feeder.finish()) this.#close(record.id, log)
    return { file: log.file, feeder: null }
  }

  /** Lets go of all files; what is not taken yet is taken by the next daemon. */
  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ feeder }) => feeder.abandon()))
    await Promise.all(this.#finishing.values())
    this.#open.clear()
  }

  #close(id: string, log: OpenLog): void {
    if (this.#open.get(id) === log) this.#open.delete(id)
  }

  #feederOf(record: ContainerRecord): OpenLog {
    const existing = this.#open.get(record.id)
    if (existing !== undefined) return existing
    const paths = containerPaths(this.#directory, record.id)
    const { Type = 'json-file', Config } = record.hostConfig.LogConfig ?? {}
    const options = Config ?? {}
    const path = Type === 'json-file' ? paths.jsonLog : paths.cachedLog
    const rotation =
      Type === 'json-file'
        ? parseJsonRotation(options)
        : parseLocalRotation(Type === 'local' ? options : cacheOptions(options))
    const file = new RotatedFile(path, rotation)
    const sink = this.#sinkOf(record)
    const feeder = new SpoolFeeder(paths.spool, {
      logger: this.#logger,
      onIdle: () => this.#open.delete(record.id),
      consumers: [
        new JsonLog(file, { attributes: this.#drivers.attributes(record) }),
        ...(sink === null ? [] : [sink]),
      ],
    })
    const log = { feeder, file, hasSink: sink !== null }
    this.#open.set(record.id, log)
    return log
  }
}

/** Gives a container that was started just now and is silent a moment to say something, or to end. */
async function firstOutput({ feeder }: OpenLog, beganMs: number): Promise<void> {
  const untilMs = beganMs + FIRST_OUTPUT_MS
  while (feeder.isSilent && !feeder.isClosed && performance.now() < untilMs) {
    await sleep(FIRST_OUTPUT_POLL_MS)
    await feeder.flush()
  }
}

/** The driver sends lines elsewhere; its file is a cache for readers. */
function isSending(type: string): boolean {
  return type !== '' && type !== 'none' && type !== 'json-file' && type !== 'local'
}
