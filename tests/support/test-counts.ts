export type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number }

/** Reads the last summary that node:test's spec reporter printed; zeros when there is none. A cancelled test is a failed one. */
export function countsOf(output: string): Counts {
  const last = (name: string): number => {
    const found = [...output.matchAll(new RegExp(`^ℹ ${name} (\\d+)$`, 'gm'))].at(-1)
    return found === undefined ? 0 : Number(found[1])
  }
  return {
    passed: last('pass'),
    failed: last('fail') + last('cancelled'),
    skipped: last('skipped') + last('todo'),
  }
}

/** The titles of skipped tests with their reasons. */
export function skippedLines(output: string): readonly string[] {
  return [...output.matchAll(/^\s*﹣ (.+?)(?: \([\d.]+m?s\))? # (.+)$/gm)].map(
    ([, title, why]) => `${title}: ${why}`,
  )
}
