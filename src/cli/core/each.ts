import type { Context } from './context.ts'
import { ExitError } from './exit.ts'
import { errorText } from '../program.ts'

const AT_ONCE = 50

/**
 * Does the same for each name, several at once, and prints each name when it is done, in the order given.
 * @throws ExitError 1 with all reasons, one a line, when any failed.
 */
export async function forEachName(
  context: Context,
  names: readonly string[],
  work: (name: string) => Promise<string | null | void>,
): Promise<void> {
  const failures: string[] = []
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const jobs = names.slice(from, from + AT_ONCE).map(async (name) => {
      try {
        const said = await work(name)
        return { ok: true, text: said === undefined ? name : said }
      } catch (error) {
        return { ok: false, text: errorText(error) }
      }
    })
    for (const job of jobs) {
      const { ok, text } = await job
      if (!ok) failures.push(text ?? '')
      else if (text !== null) context.out.line(text)
    }
  }
  if (failures.length > 0) throw new ExitError(1, failures.join('\n'))
}
