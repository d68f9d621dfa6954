import { spawnSync } from 'node:child_process'
import { ExitError } from '../core/exit.ts'
import type { Credentials } from './credentials.ts'

const NOT_FOUND = 'credentials not found in native keychain'

function call(
  helper: string,
  { action, input }: { action: string; input: string },
): { text: string; failed: boolean } {
  const program = `docker-credential-${helper}`
  const result = spawnSync(program, [action], { input, encoding: 'utf8' })
  if (result.error !== undefined)
    throw new ExitError(
      1,
      `error getting credentials - err: exec: "${program}": executable file not found in $PATH, out: \`\``,
    )
  return { text: result.stdout.trim(), failed: result.status !== 0 }
}

/** Asks a credential helper. @returns null when it knows nothing. */
export function helperGet(helper: string, server: string): Credentials | null {
  const { text, failed } = call(helper, { action: 'get', input: server })
  if (failed && text.includes(NOT_FOUND)) return null
  if (failed) throw new ExitError(1, `error getting credentials - err: exit status 1, out: \`${text}\``)
  const { Username, Secret } = JSON.parse(text) as { Username: string; Secret: string }
  // Docker's helpers mark a token by this user name.
  if (Username === '<token>') return { username: '', serveraddress: server, identitytoken: Secret }
  return { username: Username, password: Secret, serveraddress: server }
}

/** Gives credentials to a helper to keep. */
export function helperStore(
  helper: string,
  credentials: { server: string; username: string; secret: string },
): void {
  const input = JSON.stringify({
    ServerURL: credentials.server,
    Username: credentials.username,
    Secret: credentials.secret,
  })
  const { text, failed } = call(helper, { action: 'store', input })
  if (failed) throw new ExitError(1, `error storing credentials - err: exit status 1, out: \`${text}\``)
}

/** Makes a helper forget. */
export function helperErase(helper: string, server: string): void {
  const { text, failed } = call(helper, { action: 'erase', input: server })
  if (failed && !text.includes(NOT_FOUND))
    throw new ExitError(1, `error erasing credentials - err: exit status 1, out: \`${text}\``)
}
