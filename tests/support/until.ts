/**
 * Asks again and again until the answer is neither false, null nor undefined, and returns it.
 * @throws Error naming `what` when `timeoutMs` (60 s) is over, with the last error as its cause.
 */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  options: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + (options.timeoutMs ?? 60_000)
  let cause: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== false && answer !== null && answer !== undefined) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`, { cause })
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 30))
  }
}
