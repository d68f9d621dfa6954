import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { parseBool } from './go-values.ts'
import { ATTRIBUTE_OPTIONS } from './log-driver.ts'
import type { LogOptions } from './log-driver.ts'
import { parseSize } from './rotation-options.ts'

/** Options that no driver sees: how lines wait, and the local cache of drivers that send elsewhere. */
const COMMON = [
  'mode',
  'max-buffer-size',
  'cache-disabled',
  'cache-max-size',
  'cache-max-file',
  'cache-compress',
]

const FILE_OPTIONS = ['max-size', 'max-file', 'compress']

/** Checks the options that all drivers have. @throws InvalidArgumentError in Docker's words */
export function checkCommonOptions(options: LogOptions): void {
  const { mode = '', 'max-buffer-size': bufferSize, 'cache-disabled': cacheDisabled } = options
  if (mode !== '' && mode !== 'blocking' && mode !== 'non-blocking') {
    throw new InvalidArgumentError(`logger: logging mode not supported: ${mode}`)
  }
  if (bufferSize !== undefined) {
    if (mode !== 'non-blocking') {
      throw new InvalidArgumentError(
        "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
      )
    }
    try {
      parseSize(bufferSize)
    } catch (error) {
      throw new InvalidArgumentError(`error parsing option max-buffer-size: ${messageOf(error)}`)
    }
  }
  if (cacheDisabled === undefined) return
  try {
    parseBool(cacheDisabled)
  } catch {
    throw new InvalidArgumentError(`invalid value for option cache-disabled: ${cacheDisabled}`)
  }
}

/** What a driver is to see of the options. */
export function ownOptions(options: LogOptions): LogOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !COMMON.includes(name)))
}

/** Refuses options that a driver does not know. @throws InvalidArgumentError in Docker's words */
export function checkNames(driver: string, options: LogOptions, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`unknown log opt '${unknown}' for ${driver} log driver`)
  }
}

/** Of the drivers that write files. @throws InvalidArgumentError in Docker's words */
export function checkFileOptions(driver: 'json-file' | 'local', options: LogOptions): void {
  if (driver === 'json-file') {
    checkNames(driver, options, [...FILE_OPTIONS, ...ATTRIBUTE_OPTIONS])
    return
  }
  const unknown = Object.keys(options).find((name) => !FILE_OPTIONS.includes(name))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`unknown log opt '${unknown}' for log driver ${driver}`)
  }
}

/** Of the local cache: `cache-max-size` and its like, as the driver `local` has them (Docker's "dual logging"). */
export function cacheOptions(options: LogOptions): LogOptions {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => name.startsWith('cache-') && name !== 'cache-disabled')
      .map(([name, value]) => [name.slice('cache-'.length), value]),
  )
}
