import { InvalidArgumentError } from '#errors/errors.ts'
import { excerpt } from '../dockerfile/excerpt.ts'
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts'
import { EXPERIMENTAL_RULES } from './experimental-rules.ts'
import { type Finding, LINT_RULES, type LintSubject } from './rules.ts'

/** What the checks of a Dockerfile came to. */
export interface LintResult {
  readonly findings: readonly Finding[]
  /** The file says that findings are errors (`# check=error=true`). */
  readonly isError: boolean
}

/**
 * Checks a Dockerfile; what its `check` directive skips is left out.
 * @throws DockerfileError, InvalidArgumentError as parsing does, and for a directive that cannot be read
 */
export function lintDockerfile(text: string, ignore: LintSubject['ignore'] = null): LintResult {
  const dockerfile = parseDockerfile(text)
  const { skipped, experimental, isError } = readDirective(dockerfile.directives.check)
  const subject = { dockerfile, lines: text.split(/\r?\n/), ignore }
  const asked = EXPERIMENTAL_RULES.filter(
    ({ name }) => experimental.has('all') || experimental.has(name.toLowerCase()),
  )
  const findings = [...LINT_RULES, ...asked]
    .filter((rule) => !skipped.has('all') && !skipped.has(rule.name.toLowerCase()))
    .flatMap((rule) => rule.check(subject).map((finding) => ({ rule: rule.name, ...finding })))
  return { findings: findings.toSorted((a, b) => a.line - b.line), isError }
}

function readDirective(text: string | null): {
  readonly skipped: ReadonlySet<string>
  readonly experimental: ReadonlySet<string>
  readonly isError: boolean
} {
  const skipped = new Set<string>()
  const experimental = new Set<string>()
  let isError = false
  for (const part of (text ?? '').split(';').filter((entry) => entry.trim() !== '')) {
    const [name, value = ''] = part.split('=', 2).map((word) => word.trim())
    if (name === 'skip') for (const rule of value.split(',')) skipped.add(rule.trim().toLowerCase())
    else if (name === 'error') isError = value.toLowerCase() === 'true'
    else if (name === 'experimental')
      for (const rule of value.split(',')) experimental.add(rule.trim().toLowerCase())
    else throw new InvalidArgumentError(`invalid check option "${part.trim()}"`)
  }
  return { skipped, experimental, isError }
}

/** The findings as text, each with the lines around it. */
export function describeFindings(result: LintResult, text: string, fileName: string): string {
  const count = result.findings.length
  if (count === 0) return 'Check complete, no warnings found.\n'
  const blocks = result.findings.map(
    ({ rule, message, line }) => `WARNING: ${rule}\n${message}\n${excerpt(text, { fileName, line })}`,
  )
  return `Check complete, ${count} warning${count === 1 ? ' has' : 's have'} been found!\n\n${blocks.join('\n')}`
}
