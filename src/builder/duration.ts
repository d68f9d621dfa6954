import { parseGoDurationNs } from '#base/go-duration.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

/** A duration that is not negative, in nanoseconds. @throws InvalidArgumentError in Go's words */
export function parseDurationNs(text: string): number {
  const ns = parseGoDurationNs(text)
  if (ns === null || ns < 0) throw new InvalidArgumentError(`time: invalid duration ${JSON.stringify(text)}`)
  return ns
}
