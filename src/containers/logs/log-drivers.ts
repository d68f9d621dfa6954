import { hostname } from 'node:os'
import { shortId } from '#base/ids.ts'
import { InvalidArgumentError, WharfError, messageOf } from '#errors/errors.ts'
import type { Plugins } from '#plugins/plugins.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerRecord } from '../records.ts'
import { awslogsDriver } from './drivers/awslogs.ts'
import { fluentdDriver } from './drivers/fluentd.ts'
import { gcplogsDriver } from './drivers/gcplogs.ts'
import { gelfDriver } from './drivers/gelf.ts'
import { journaldDriver } from './drivers/journald.ts'
import { pluginLogDriver } from './drivers/plugin.ts'
import { splunkDriver } from './drivers/splunk.ts'
import { syslogDriver } from './drivers/syslog.ts'
import { logAttributes } from './log-attributes.ts'
import { cacheOptions, checkCommonOptions, checkFileOptions, ownOptions } from './log-config.ts'
import type { LogDriver, LogOptions, LogSink, LogSource } from './log-driver.ts'
import { logTag } from './log-tag.ts'
import { parseJsonRotation, parseLocalRotation } from './rotation-options.ts'

/** Drivers that send lines elsewhere. */
const SENDING: ReadonlyMap<string, LogDriver> = new Map(
  [awslogsDriver, fluentdDriver, gcplogsDriver, gelfDriver, journaldDriver, splunkDriver, syslogDriver].map(
    (driver) => [driver.name, driver],
  ),
)
const FILES: readonly string[] = ['json-file', 'local']

/** The names of all drivers but those of plugins, as `docker info` lists them. */
export const LOG_DRIVER_NAMES: readonly string[] = [...SENDING.keys(), ...FILES, 'none'].sort()

type LogConfig = NonNullable<HostConfig['LogConfig']>

/** The container could not be started for its log options; the words are dockerd's. */
export class LogStartError extends WharfError {
  readonly code = 'kernel'
}

/** The log drivers of a daemon: its own, and those of plugins. */
export class LogDrivers {
  readonly #plugins: Plugins
  readonly #directory: string
  readonly #environment: Readonly<Record<string, string>>

  /** @param of.directory where containers have theirs */
  constructor(of: {
    readonly plugins: Plugins
    readonly directory: string
    readonly environment: Readonly<Record<string, string>>
  }) {
    this.#plugins = of.plugins
    this.#directory = of.directory
    this.#environment = of.environment
  }

  /** Checks what is to be written into a container's record. @throws InvalidArgumentError in Docker's words */
  async check({ Type, Config }: LogConfig): Promise<void> {
    const type = Type ?? ''
    const options = Config ?? {}
    if (type === 'none') return
    checkCommonOptions(options)
    const own = ownOptions(options)
    if (type === 'json-file' || type === 'local') checkFileOptions(type, own)
    else if (SENDING.has(type)) SENDING.get(type)?.check(own)
    else await this.#checkPlugin(type)
  }

  /** Checks what Docker finds out when a container starts. @throws LogStartError in Docker's words */
  async checkStart(record: ContainerRecord): Promise<void> {
    const { Type = '', Config } = record.hostConfig.LogConfig ?? {}
    const options = Config ?? {}
    if (Type === 'none' || (!this.sends(Type ?? '') && Object.keys(options).length === 0)) return
    try {
      if (Type === 'json-file') parseJsonRotation(options)
      else if (Type === 'local') parseLocalRotation(options)
      else {
        parseLocalRotation(cacheOptions(options))
        await SENDING.get(Type ?? '')?.checkStart?.(ownOptions(options))
      }
      if (Type !== 'local') {
        logAttributes(record)
        this.#source(record)
      }
    } catch (error) {
      throw new LogStartError(
        `failed to create task for container: failed to initialize logging driver: ${messageOf(error)}`,
        { cause: error },
      )
    }
  }

  /** Whether a driver of this name sends lines elsewhere. */
  sends(type: string): boolean {
    return type !== '' && type !== 'none' && !FILES.includes(type)
  }

  /** A way to where the container's lines go; null for drivers that only write files. */
  open(record: ContainerRecord): LogSink | null {
    const { Type, Config } = record.hostConfig.LogConfig ?? {}
    const type = Type ?? ''
    if (!this.sends(type)) return null
    const driver = SENDING.get(type) ?? pluginLogDriver(type, this.#plugins)
    return driver.open(ownOptions(Config ?? {}), this.#source(record))
  }

  /** What a container's log file tells beside each line. */
  attributes(record: ContainerRecord): Readonly<Record<string, string>> {
    const { Type, Config } = record.hostConfig.LogConfig ?? {}
    const attributes = logAttributes(record)
    return Type === 'json-file' && Config?.['tag']
      ? { ...attributes, tag: this.#source(record).tag }
      : attributes
  }

  async #checkPlugin(type: string): Promise<void> {
    try {
      await this.#plugins.get(type, 'LogDriver')
    } catch (error) {
      throw new InvalidArgumentError(`error looking up logging plugin ${type}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  #source(record: ContainerRecord): LogSource {
    const imageName = record.config.Image ?? record.image
    const options: LogOptions = record.hostConfig.LogConfig?.Config ?? {}
    const facts = {
      ID: shortId(record.id),
      FullID: record.id,
      Name: record.name,
      ImageID: shortId(record.imageId),
      ImageFullID: record.imageId,
      ImageName: imageName,
      DaemonName: 'docker',
    }
    return {
      containerId: record.id,
      containerName: record.name,
      imageName,
      imageId: record.imageId,
      command: [record.path, ...record.args].join(' '),
      createdAt: record.createdAt,
      tag: logTag(options['tag'] || '{{.ID}}', facts),
      hasTag: (options['tag'] ?? '') !== '',
      attributes: logAttributes(record),
      hostname: hostname(),
      env: record.config.Env ?? [],
      labels: record.config.Labels ?? {},
      argv: [record.path, ...record.args],
      directory: containerPaths(this.#directory, record.id).directory,
      environment: this.#environment,
    }
  }
}
