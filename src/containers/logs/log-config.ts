import { InvalidArgumentError } from '#errors/errors.ts'
import { LOG_DRIVERS } from './log-drivers.ts'
import { parseRotation } from './rotation-options.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'

const COMMON = [
  'mode',
  'max-buffer-size',
  'labels',
  'labels-regex',
  'env',
  'env-regex',
  'tag',
  'cache-disabled',
  'cache-max-size',
  'cache-max-file',
  'cache-compress',
]

/** Options by driver, beside those that all of them take. */
const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  'json-file': ['max-size', 'max-file', 'compress'],
  local: ['max-size', 'max-file', 'compress'],
  none: [],
}

/** Checks HostConfig.LogConfig. @throws InvalidArgumentError in Docker's words. */
export function checkLogConfig(logConfig: NonNullable<HostConfig['LogConfig']>): void {
  const type = logConfig.Type ?? ''
  const sink = LOG_DRIVERS.get(type)
  const known = sink?.options ?? DRIVERS[type]
  if (known === undefined) {
    throw new InvalidArgumentError(`logger: no log driver named '${type}' is registered`)
  }
  const options = logConfig.Config ?? {}
  for (const name of Object.keys(options)) {
    if (!known.includes(name) && !COMMON.includes(name)) {
      throw new InvalidArgumentError(`unknown log opt '${name}' for ${type} log driver`)
    }
  }
  if (type === 'json-file' || type === 'local') parseRotation(type, options)
  sink?.check(options)
  const mode = options['mode']
  if (mode !== undefined && mode !== '' && mode !== 'blocking' && mode !== 'non-blocking') {
    throw new InvalidArgumentError(`logger: logging mode not supported: ${mode}`)
  }
}
