import { readFileSync } from 'node:fs'
import { ExitError } from '../core/exit.ts'

/** `--security-opt` in the API's form: a seccomp profile's file is read, `systempaths=unconfined` becomes empty lists. */
export function parseSecurityOpts(opts: readonly string[]): {
  securityOpt: string[]
  unconfinedPaths: boolean
} {
  const securityOpt: string[] = []
  let unconfinedPaths = false
  for (const opt of opts) {
    if (opt === 'systempaths=unconfined') {
      unconfinedPaths = true
      continue
    }
    const match = /^([^=:]+)[=:](.*)$/s.exec(opt)
    if (match === null) {
      if (opt !== 'no-new-privileges')
        throw new ExitError(125, `Invalid --security-opt: ${JSON.stringify(opt)}`, { withHint: true })
      securityOpt.push(opt)
      continue
    }
    const [, name = '', value = ''] = match
    securityOpt.push(
      name === 'seccomp' && !['unconfined', 'builtin'].includes(value)
        ? `seccomp=${readProfile(value)}`
        : opt,
    )
  }
  return { securityOpt, unconfinedPaths }
}

function readProfile(path: string): string {
  try {
    return JSON.stringify(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : `open ${path}: no such file or directory`
    throw new ExitError(125, `opening seccomp profile (${path}) failed: ${reason}`, { withHint: true })
  }
}
