const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB']
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB']

/** A number as Go's `%.<n>g` prints it. */
export function significant(value: number, digits: number): string {
  if (value === 0) return '0'
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))))
  if (exponent < -4 || exponent >= digits) {
    const text = value.toExponential(digits - 1).replace(/\.?0+e/, 'e')
    return text.replace(/e([+-])(\d)$/, 'e$10$2')
  }
  const text = value.toPrecision(digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function scaled(
  sizeBytes: number,
  { base, units, digits }: { base: number; units: readonly string[]; digits: number },
): string {
  let value = sizeBytes
  let unit = 0
  while (value >= base && unit < units.length - 1) {
    value /= base
    unit += 1
  }
  return `${significant(value, digits)}${units[unit]}`
}

/** A size in decimal units, as image and container lists show it: `1.24MB`. */
export const humanSize = (sizeBytes: number, digits = 4): string =>
  scaled(sizeBytes, { base: 1000, units: DECIMAL, digits })

/** A size in binary units, as memory is shown: `1.939GiB`. */
export const bytesSize = (sizeBytes: number): string =>
  scaled(sizeBytes, { base: 1024, units: BINARY, digits: 4 })

/** How long something has lasted, in Docker's rough words: `About a minute`, `3 hours`. */
export function humanDuration(durationMs: number): string {
  const seconds = Math.trunc(durationMs / 1000)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.trunc(durationMs / 60_000)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.trunc(durationMs / 3_600_000 + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`
  return `${Math.trunc(durationMs / 3_600_000 / 24 / 365)} years`
}

/** `3 hours ago`. */
export const ago = (timeMs: number, nowMs: number = Date.now()): string =>
  `${humanDuration(nowMs - timeMs)} ago`

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

/** A time as Go's `time.Time.String` prints it in the local zone: `2006-01-02 15:04:05 +0000 UTC`. */
export function goTime(timeMs: number, fraction = ''): string {
  const date = new Date(timeMs)
  return `${localDate(date)} ${localClock(date)}${fraction} ${zoneOffset(date, '')} ${zoneName(date)}`
}

/** `2006-01-02T15:04:05Z07:00` in the local zone. */
export function rfc3339(timeMs: number, fraction = ''): string {
  const date = new Date(timeMs)
  const zone = date.getTimezoneOffset() === 0 ? 'Z' : zoneOffset(date, ':')
  return `${localDate(date)}T${localClock(date)}${fraction}${zone}`
}

/** As rfc3339, but the zone is always a figure: `+00:00` where RFC 3339 says Z. */
export function rfc3339Numeric(timeMs: number, fraction = ''): string {
  const date = new Date(timeMs)
  return `${localDate(date)}T${localClock(date)}${fraction}${zoneOffset(date, ':')}`
}

const localDate = (date: Date): string =>
  `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`
const localClock = (date: Date): string =>
  `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`

function zoneOffset(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${pad(Math.trunc(size / 60))}${separator}${pad(size % 60)}`
}

function zoneName(date: Date): string {
  if (date.getTimezoneOffset() === 0) return 'UTC'
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
  return name.startsWith('GMT') ? zoneOffset(date, '') : name
}

/** Cuts text to a width in characters, with an ellipsis when something is lost. */
export function ellipsis(text: string, width: number): string {
  const characters = [...text]
  if (characters.length <= width) return text
  if (width <= 1) return characters.slice(0, width).join('')
  return `${characters.slice(0, width - 1).join('')}…`
}

/** An RFC 3339 time with its nanoseconds as Go's `time.Time.String` prints it: `2026-01-02 15:04:05.123456789 +0000 UTC`. */
export function goTimeOf(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (match === null) return text
  const [, day, clock, exact = '', zone = 'Z'] = match
  const fraction = exact.replace(/\.?0+$/, '')
  if (zone === 'Z') return `${day} ${clock}${fraction} +0000 UTC`
  const offset = zone.replace(':', '')
  return `${day} ${clock}${fraction} ${offset} ${offset}`
}
