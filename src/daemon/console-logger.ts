import type { LogFields, Logger, LogLevel } from '#base/logger.ts'

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, fatal: 4 }

/** How the daemon's log is written; the level may change while it runs. */
export interface LogSettings {
  level: LogLevel
  readonly format: 'text' | 'json'
  readonly write: (line: string) => void
}

/** The daemon's log: one line a message, in the form of dockerd's (`time=… level=… msg=…`) or as JSON. */
export function createConsoleLogger(settings: LogSettings, fields: LogFields = {}): Logger {
  const log = (level: LogLevel, message: string, more: LogFields = {}): void => {
    if (ORDER[level] < ORDER[settings.level]) return
    const line = { time: new Date().toISOString(), level, msg: message, ...fields, ...more }
    settings.write(settings.format === 'json' ? JSON.stringify(line) : textLine(line))
  }
  return {
    debug: (message, more) => log('debug', message, more),
    info: (message, more) => log('info', message, more),
    warn: (message, more) => log('warn', message, more),
    error: (message, more) => log('error', message, more),
    with: (more) => createConsoleLogger(settings, { ...fields, ...more }),
  }
}

function textLine(line: LogFields): string {
  return Object.entries(line)
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([key, value]) => `${key}=${quoted(String(value))}`)
    .join(' ')
}

/** Quotes also keep what clients send from forging lines. */
function quoted(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : JSON.stringify(text)
}
