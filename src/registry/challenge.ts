/** One challenge of a `WWW-Authenticate` header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

const MAX_HEADER_LENGTH = 8192
const PARAMETER = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)/
const SCHEME = /^\s*,*\s*([\w!#$%&'*+.^`|~-]+)(?:\s+|$)/

/** Reads the challenges; what cannot be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = []
  let rest = header.slice(0, MAX_HEADER_LENGTH)
  while (rest.trim() !== '') {
    const scheme = SCHEME.exec(rest)
    if (scheme === null) break
    rest = rest.slice(scheme[0].length)
    const parameters: Record<string, string> = {}
    for (let match = PARAMETER.exec(rest); match !== null; match = PARAMETER.exec(rest)) {
      parameters[(match[1] as string).toLowerCase()] = match[3] ?? (match[2] ?? '').replace(/\\(.)/g, '$1')
      rest = rest.slice(match[0].length)
    }
    challenges.push({ scheme: (scheme[1] as string).toLowerCase(), parameters })
  }
  return challenges
}
