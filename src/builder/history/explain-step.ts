import type { StepReason } from '#spec/build-history.ts'
import { BEFORE, FILE_PREFIX, FILES } from '../ops/key-parts.ts'
import type { KeyParts, Lookup } from '../solver/vertex.ts'

/** How many changed files are named. */
const MAX_NAMED_FILES = 10

/** What is known of the same step in an earlier build, or of the one that stood in its place. */
export interface EarlierStep {
  readonly text: string
  readonly parts: KeyParts
  readonly finished: boolean
}

/** Why a step was taken from the cache or was not, as a word and in words. */
export function explainStep(
  step: { readonly lookup: Lookup | null; readonly parts: KeyParts },
  earlier: {
    /** The same step in the build that is most like this one. */
    readonly same: EarlierStep | null
    /** The text of the step that stood after the same predecessor. */
    readonly inPlace: string | null
    readonly noCacheFlag: string
  },
): { readonly reason: StepReason; readonly explanation: string } {
  switch (step.lookup) {
    case 'hit':
      return { reason: 'cached', explanation: 'nothing that decides its result has changed' }
    case 'borrowed':
      return { reason: 'cached', explanation: 'taken from an image of --cache-from' }
    case 'shared':
      return { reason: 'cached', explanation: 'an equal step ran at the same time' }
    case 'none':
      return { reason: 'base', explanation: 'looked up in every build' }
    case 'unasked':
      return { reason: 'unasked', explanation: `asked for anew: ${earlier.noCacheFlag}` }
    case 'gone':
      return { reason: 'gone', explanation: 'it was cached, but the layer of its record is gone' }
    case null:
      return { reason: 'unfinished', explanation: 'it ended before the cache was asked' }
    case 'miss':
      break
  }
  const { same, inPlace } = earlier
  if (same !== null) return compare(step.parts, same)
  if (inPlace === null) return { reason: 'first', explanation: 'no build that is kept had this step' }
  return { reason: 'instruction', explanation: `the instruction changed, it was: ${inPlace}` }
}

function compare(now: KeyParts, { parts, finished }: EarlierStep): ReturnType<typeof explainStep> {
  const names = new Set([...now.keys(), ...parts.keys()])
  const changed = [...names].filter((name) => now.get(name) !== parts.get(name))
  if (changed.length === 0) {
    return finished
      ? { reason: 'forgotten', explanation: 'nothing changed, but its record is no longer in the cache' }
      : { reason: 'unfinished', explanation: 'nothing changed, but it did not succeed in the build before' }
  }
  const files = changed.filter((name) => name.startsWith(FILE_PREFIX))
  const settings = changed.filter(
    (name) => !name.startsWith(FILE_PREFIX) && name !== FILES && name !== BEFORE,
  )
  const told: string[] = []
  if (settings.length > 0) told.push(`changed: ${settings.join(', ')}`)
  if (changed.includes(FILES)) told.push(`files changed: ${namedFiles(files, { now, parts })}`)
  if (changed.includes(BEFORE)) told.push('the step before it changed')
  const reason = settings.length > 0 ? 'settings' : changed.includes(FILES) ? 'files' : 'before'
  return { reason, explanation: told.join('; ') }
}

function namedFiles(
  files: readonly string[],
  { now, parts }: { readonly now: KeyParts; readonly parts: KeyParts },
): string {
  const named = files.toSorted().map((name) => {
    const mark = !parts.has(name) ? ' (new)' : now.has(name) ? '' : ' (removed)'
    return name.slice(FILE_PREFIX.length) + mark
  })
  if (named.length === 0) return 'more than are told apart'
  const more = named.length - MAX_NAMED_FILES
  return named.slice(0, MAX_NAMED_FILES).join(', ') + (more > 0 ? ` and ${String(more)} more` : '')
}
