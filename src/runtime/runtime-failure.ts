import { WharfError } from '#errors/errors.ts'

/**
 * The OCI runtime refused to make a container or an exec. The message is in dockerd's words: clients read it to
 * choose between the exit codes 125, 126 and 127.
 */
export class RuntimeFailure extends WharfError {
  readonly code: 'invalid_argument' | 'bug'
  /** What `State.ExitCode` becomes: 127 not found, 126 not executable, else 128 (dockerd's codes). */
  readonly exitCode: number

  constructor(message: string, options: { readonly exitCode: number; readonly cause?: unknown }) {
    super(message, { cause: options.cause })
    this.exitCode = options.exitCode
    // dockerd answers 400 when the user's command is at fault, 500 otherwise.
    this.code = options.exitCode === 128 ? 'bug' : 'invalid_argument'
  }
}
