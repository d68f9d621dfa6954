/** One line, or a part of a long one, on its way to a sink. */
export interface LogMessage {
  /** RFC 3339 with nanoseconds, UTC. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** Without the newline. A copy: it may be kept. */
  readonly content: Buffer
  readonly partial: boolean
}

/** What a driver may tell of the container beside its lines. */
export interface LogSource {
  readonly containerId: string
  /** Without the slash. */
  readonly containerName: string
  readonly imageName: string
  readonly imageId: string
  /** The program and its arguments. */
  readonly command: string
  readonly createdAt: string
  /** The option `tag`, filled in. */
  readonly tag: string
  /** Whether there is such an option. */
  readonly hasTag: boolean
  /** From the options `labels` and `env`. */
  readonly attributes: Readonly<Record<string, string>>
  readonly hostname: string
  /** The container's own. */
  readonly env: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** The program and its arguments, apart. */
  readonly argv: readonly string[]
  /** Where a driver may keep files as long as there is the container. */
  readonly directory: string
  /** Variables of the daemon that tell of credentials (AWS_…, GOOGLE_…). */
  readonly environment: Readonly<Record<string, string>>
}

/** An open way to where a container's lines go. Messages of one container are sent one batch at a time, in order. */
export interface LogSink {
  /**
   * Delivers the messages in order. When it rejects, none or some may have arrived: all of them are sent again later,
   * so that none is lost. A number says that only so many were taken: the others are offered again, with what follows them.
   */
  send(messages: readonly LogMessage[]): Promise<number | void>
  close(): Promise<void>
}

/** A kind of sink, as `--log-driver` names it. A new one is a file that has this shape and an entry in `log-drivers.ts`. */
export interface LogDriver {
  readonly name: string
  /** Checks the options at the container's creation, as far as Docker does it there. @throws InvalidArgumentError in Docker's words */
  check(options: LogOptions): void
  /** Checks what Docker finds out only when the container starts. @throws InvalidArgumentError in Docker's words */
  checkStart?(options: LogOptions): Promise<void> | void
  /** Makes a sink; connecting is left to the first `send`. */
  open(options: LogOptions, source: LogSource): LogSink
}

export type LogOptions = Readonly<Record<string, string>>

/** Options of all drivers that tell of the container beside its lines. */
export const ATTRIBUTE_OPTIONS: readonly string[] = ['labels', 'labels-regex', 'env', 'env-regex', 'tag']
