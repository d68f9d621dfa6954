import { InvalidArgumentError } from '#errors/errors.ts'
import type { Rotation } from './rotated-file.ts'

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
}

/** Without options logs are turned over all the same: an engine must not fill the disk by default. */
const JSON_DEFAULT: Rotation = { maxSizeBytes: 100 * 1024 ** 2, maxFiles: 5, compress: false }
const LOCAL_DEFAULT: Rotation = { maxSizeBytes: 20 * 1024 ** 2, maxFiles: 5, compress: true }

/**
 * The options `max-size`, `max-file` and `compress` of json-file and local. @throws InvalidArgumentError in Docker's words.
 */
export function parseRotation(
  driver: 'json-file' | 'local',
  options: Readonly<Record<string, string>>,
): Rotation {
  const base = driver === 'local' ? LOCAL_DEFAULT : JSON_DEFAULT
  const size = options['max-size']
  const files = options['max-file']
  const maxFiles =
    files === undefined ? (size === undefined ? base.maxFiles : driver === 'local' ? 5 : 1) : Number(files)
  if (!Number.isInteger(maxFiles) || maxFiles < 1) {
    throw new InvalidArgumentError(
      files === undefined ? 'max-file cannot be less than 1' : maxFileError(files),
    )
  }
  if (driver === 'json-file' && size === '-1' && maxFiles > 1) {
    throw new InvalidArgumentError('compress and max-file cannot be set without max-size')
  }
  const compress = options['compress']
  if (compress !== undefined && !['true', 'false', '1', '0', 't', 'f'].includes(compress.toLowerCase())) {
    throw new InvalidArgumentError(`strconv.ParseBool: parsing ${JSON.stringify(compress)}: invalid syntax`)
  }
  return {
    maxSizeBytes: size === undefined ? base.maxSizeBytes : size === '-1' ? Infinity : parseSize(size),
    maxFiles,
    compress: compress === undefined ? base.compress : ['true', '1', 't'].includes(compress.toLowerCase()),
  }
}

function maxFileError(text: string): string {
  return /^-?\d+$/.test(text)
    ? 'max-file cannot be less than 1'
    : `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`
}

/** A size as `10m` or `1.5gb`, binary units. @throws InvalidArgumentError */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([bkmgt]?)(?:i?b)?$/i.exec(text)
  const unit = UNITS[(match?.[2] ?? '').toLowerCase()]
  if (match === null || unit === undefined) throw new InvalidArgumentError(`invalid size: '${text}'`)
  return Math.floor(Number(match[1]) * unit)
}
