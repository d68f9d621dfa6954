import type { Logger } from '#base/logger.ts'
import { containerPaths } from '../container-paths.ts'
import type { LogDrivers } from './log-drivers.ts'
import { parseSize } from './rotation-options.ts'
import { SinkConsumer, type SinkFactory } from './sink-consumer.ts'

/** What may wait for a sink that is down: on disk, so much more than what Docker keeps in memory. */
const BLOCKING_BOUND_BYTES = 256 * 1024 ** 2
/** Docker's default of `max-buffer-size` in the mode `non-blocking`. */
const NON_BLOCKING_BOUND_BYTES = 1024 ** 2

/** Makes the sinks of containers whose driver has one. */
export function sinkFactory(
  drivers: LogDrivers,
  options: { readonly directory: string; readonly logger: Logger },
): SinkFactory {
  return (record) => {
    const sink = drivers.open(record)
    if (sink === null) return null
    const { Type, Config } = record.hostConfig.LogConfig ?? {}
    const isBounded = Config?.['mode'] === 'non-blocking'
    const bound = Config?.['max-buffer-size']
    // The name of a plugin may have any sign but a slash in it: the file's name is not made of it.
    const cursor = /^[a-z]+$/.test(Type ?? '') ? Type : 'plugin'
    return new SinkConsumer(sink, {
      cursorPath: `${containerPaths(options.directory, record.id).directory}/${cursor ?? ''}.cursor`,
      boundBytes: isBounded
        ? bound === undefined
          ? NON_BLOCKING_BOUND_BYTES
          : parseSize(bound)
        : BLOCKING_BOUND_BYTES,
      logger: options.logger.with({ container: record.id, driver: Type ?? '' }),
    })
  }
}
