import type { Context } from './context.ts'
import { readLine } from './stdin.ts'

/** Asks before something is lost. Only a yes is a yes. */
export async function confirm(context: Context, warning: string): Promise<boolean> {
  context.out.write(`${warning}\nAre you sure you want to continue? [y/N] `)
  const answer = await readLine()
  if (answer === '') context.out.write('\n')
  if (answer.trim().toLowerCase() === 'y') return true
  context.err.line('')
  return false
}
