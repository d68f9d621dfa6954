/** Nanoseconds since the epoch; never earlier than in an answer before, unless the clock was set back. */
export function nowNs(): bigint {
  return wallOffsetNs() + process.hrtime.bigint()
}

let offsetNs: bigint | null = null

/** What to add to the monotonic clock; taken anew when the wall clock was set by more than a few milliseconds. */
function wallOffsetNs(): bigint {
  const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  if (offsetNs === null || offset - offsetNs > 5_000_000n || offsetNs - offset > 5_000_000n) offsetNs = offset
  return offsetNs
}
