import { hostname } from 'node:os'
import type { Logger } from '#base/logger.ts'
import { shortId } from '#base/ids.ts'
import { containerPaths } from '../container-paths.ts'
import type { ContainerRecord } from '../records.ts'
import { fluentdDriver } from './drivers/fluentd.ts'
import { gelfDriver } from './drivers/gelf.ts'
import { journaldDriver } from './drivers/journald.ts'
import { splunkDriver } from './drivers/splunk.ts'
import { syslogDriver } from './drivers/syslog.ts'
import { logAttributes } from './log-attributes.ts'
import type { LogDriver, LogSource } from './log-driver.ts'
import { logTag } from './log-tag.ts'
import { parseSize } from './rotation-options.ts'
import { SinkConsumer, type SinkFactory } from './sink-consumer.ts'

/** Drivers that send lines elsewhere; `json-file`, `local` and `none` are not among them. */
export const LOG_DRIVERS: ReadonlyMap<string, LogDriver> = new Map(
  [syslogDriver, journaldDriver, gelfDriver, fluentdDriver, splunkDriver].map((driver) => [
    driver.name,
    driver,
  ]),
)

/** What may wait for a sink that is down: on disk, so much more than what Docker keeps in memory. */
const BLOCKING_BOUND_BYTES = 256 * 1024 ** 2
/** Docker's default of `max-buffer-size` in the mode `non-blocking`. */
const NON_BLOCKING_BOUND_BYTES = 1024 ** 2

/** Makes the sinks of containers whose driver has one. */
export function sinkFactory(containersDirectory: string, logger: Logger): SinkFactory {
  return (record) => {
    const { Type = '', Config } = record.hostConfig.LogConfig ?? {}
    const driver = LOG_DRIVERS.get(Type ?? '')
    if (driver === undefined) return null
    const options = Config ?? {}
    const bound =
      options['mode'] === 'non-blocking'
        ? parseSize(options['max-buffer-size'] ?? String(NON_BLOCKING_BOUND_BYTES))
        : BLOCKING_BOUND_BYTES
    return new SinkConsumer(driver.open(options, sourceOf(record)), {
      cursorPath: `${containerPaths(containersDirectory, record.id).directory}/${driver.name}.cursor`,
      boundBytes: bound,
      logger: logger.with({ container: record.id, driver: driver.name }),
    })
  }
}

function sourceOf(record: ContainerRecord): LogSource {
  const imageName = record.config.Image ?? record.image
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
    tag: logTag(record.hostConfig.LogConfig?.Config?.['tag'] || '{{.ID}}', facts),
    attributes: logAttributes(record),
    hostname: hostname(),
  }
}
