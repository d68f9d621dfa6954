import { WharfError } from '#errors/errors.ts'

/** A plugin was asked, and refused, failed, or answered what no plugin may answer (500). The message is as Docker's. */
export class PluginError extends WharfError {
  readonly code = 'plugin'
  readonly plugin: string
  /** e.g. `VolumeDriver.Get`. */
  readonly method: string
  /** The status of its answer. */
  readonly status: number | null

  constructor(
    message: string,
    facts: {
      readonly plugin: string
      readonly method: string
      readonly status?: number
      readonly cause?: unknown
    },
  ) {
    super(message, { cause: facts.cause })
    this.plugin = facts.plugin
    this.method = facts.method
    this.status = facts.status ?? null
  }
}

/** A plugin that has made itself known could not be reached, or did not answer in time: the call may have had its effect all the same. */
export class PluginUnreachableError extends PluginError {}
