import { messageOf } from '#errors/errors.ts'
import type { ProgressSink } from '#spec/docker/options.ts'
import { isAbort, sourceOf } from '../http/errors.ts'
import type { ApiResponse } from '../http/response.ts'

/**
 * Runs work that tells its progress, one JSON object a line. An error before the first line is an ordinary error
 * response; after it the status has been sent, and the error is the last line of the stream, as clients expect.
 * `errorsOnStream`: where dockerd sends also the first error so, with status 200.
 */
export async function withProgress(
  response: ApiResponse,
  work: (progress: ProgressSink) => Promise<void>,
  options: { readonly errorsOnStream?: boolean } = {},
): Promise<void> {
  const progress: ProgressSink = (message) => {
    if (!response.isStarted) response.start(200, 'application/json')
    response.writeLine(message)
  }
  try {
    await work(progress)
  } catch (error) {
    if (isAbort(error) || (!response.isStarted && options.errorsOnStream !== true)) throw error
    if (!response.isStarted) response.start(200, 'application/json')
    const message = messageOf(error)
    response.writeLine({ errorDetail: { ...exitCodeOf(error), message, ...sourceOf(error) }, error: message })
  }
  if (!response.isStarted) response.start(200, 'application/json')
  response.end()
}

/** A failed `RUN` tells its exit code in `errorDetail.code`. */
function exitCodeOf(error: unknown): { code?: number } {
  const code = error instanceof Error && 'exitCode' in error ? error.exitCode : undefined
  return typeof code === 'number' ? { code } : {}
}
