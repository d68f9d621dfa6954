/** How grave a log line is; dockerd's names (`--log-level`). */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** What a log line says beside its message: plain values only, so that they print on one line. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** Structured logging. A logger never throws and never waits. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  /** Logs an error once, where it is handled for good: not where it is passed on. */
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger
}

/** The logger that says nothing, for tests and for code that has no log yet. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
}
