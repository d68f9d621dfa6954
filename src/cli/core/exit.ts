/** Ends the program with a status; the message, when there is one, goes to stderr as it is. */
export class ExitError extends Error {
  readonly status: number
  /** Whether `wharf: ` and a hint at the help stand around the message, as `docker run` does it. */
  readonly withHint: boolean

  constructor(status: number, message = '', { withHint = false }: { withHint?: boolean } = {}) {
    super(message)
    this.status = status
    this.withHint = withHint
  }
}
