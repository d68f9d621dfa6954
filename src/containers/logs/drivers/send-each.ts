import type { LogMessage } from '../log-driver.ts'

/**
 * Delivers messages one by one. When one fails behind others, those others were taken, and are not sent again.
 * @returns how many were taken @throws what the first one failed with
 */
export async function sendEach(
  messages: readonly LogMessage[],
  deliver: (message: LogMessage) => Promise<void>,
): Promise<number> {
  let taken = 0
  for (const message of messages) {
    try {
      await deliver(message)
    } catch (error) {
      if (taken === 0) throw error
      return taken
    }
    taken += 1
  }
  return taken
}
