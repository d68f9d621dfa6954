import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { parseBool, parseInteger } from './go-values.ts'
import type { LogOptions } from './log-driver.ts'
import type { Rotation } from './rotated-file.ts'

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  p: 1024 ** 5,
}

/** Without options logs are turned over all the same: an engine must not fill the disk by default. */
const JSON_DEFAULT: Rotation = { maxSizeBytes: 100 * 1024 ** 2, maxFiles: 5, compress: false }
const LOCAL_DEFAULT: Rotation = { maxSizeBytes: 20 * 1024 ** 2, maxFiles: 5, compress: true }

/**
 * The options `max-size`, `max-file` and `compress` of json-file. A size without a number of files means one file, as in Docker.
 * @throws InvalidArgumentError in Docker's words
 */
export function parseJsonRotation(options: LogOptions): Rotation {
  const { 'max-size': size, 'max-file': files, compress } = options
  const maxSizeBytes = size === undefined ? JSON_DEFAULT.maxSizeBytes : parseSize(size)
  if (maxSizeBytes <= 0) throw new InvalidArgumentError('max-size must be a positive number')
  const maxFiles =
    files !== undefined ? parseInteger(files, { as: 'Atoi' }) : size === undefined ? JSON_DEFAULT.maxFiles : 1
  if (maxFiles < 1) throw new InvalidArgumentError('max-file cannot be less than 1')
  const isCompressed = compress === undefined ? JSON_DEFAULT.compress : parseBool(compress)
  if (isCompressed && (maxFiles < 2 || size === undefined)) {
    throw new InvalidArgumentError(
      'compress cannot be true when max-file is less than 2 or max-size is not set',
    )
  }
  return { maxSizeBytes, maxFiles, compress: isCompressed }
}

/** The same of the driver `local`, and of the cache of drivers that send elsewhere. @throws InvalidArgumentError in Docker's words */
export function parseLocalRotation(options: LogOptions): Rotation {
  const { 'max-size': size, 'max-file': files, compress } = options
  const maxSizeBytes =
    size === undefined
      ? LOCAL_DEFAULT.maxSizeBytes
      : named(`invalid value for max-size: ${size}`, () => parseSize(size))
  const maxFiles =
    files === undefined
      ? LOCAL_DEFAULT.maxFiles
      : named(`invalid value for max-file: ${files}`, () => parseInteger(files, { as: 'Atoi' }))
  const isCompressed =
    compress === undefined
      ? LOCAL_DEFAULT.compress
      : named('error reading compress log option', () => parseBool(compress))
  if (isCompressed && maxFiles < 2) {
    throw new InvalidArgumentError('compression cannot be enabled when max file count is 1')
  }
  if (maxFiles < 1) throw new InvalidArgumentError('max-file cannot be less than 1')
  // Docker takes 0 for no limit.
  return { maxSizeBytes: maxSizeBytes === 0 ? Infinity : maxSizeBytes, maxFiles, compress: isCompressed }
}

/** A size as `10m` or `1.5gb`, binary units. @throws InvalidArgumentError */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/i.exec(text)
  const unit = UNITS[(match?.[2] ?? '').toLowerCase()]
  if (match === null || unit === undefined) throw new InvalidArgumentError(`invalid size: '${text}'`)
  return Math.floor(Number(match[1]) * unit)
}

function named<T>(what: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new InvalidArgumentError(`${what}: ${messageOf(error)}`, { cause: error })
  }
}
