import type { BuildOptions, RegistryAuth } from '#spec/docker/options.ts'
import { parseReference } from '#spec/reference.ts'
import type { BuildkitSessions } from './session/buildkit-session.ts'

/** The credentials for the registry of a reference, or null for none. */
export type RegistryAuths = (reference: string) => Promise<RegistryAuth | null>

/** Finds credentials among those that came with the request; then the client's BuildKit session is asked, if it has one. */
export function registryAuths(options: BuildOptions, sessions: BuildkitSessions): RegistryAuths {
  return async (reference) => {
    const { domain } = parseReference(reference)
    const isHub = domain === 'docker.io'
    const names = isHub
      ? ['https://index.docker.io/v1/', 'index.docker.io', domain]
      : [domain, `https://${domain}`]
    for (const name of names) {
      const auth = options.auth[name]
      if (auth !== undefined) return auth
    }
    if (options.session === '') return null
    const found = await sessions.credentials(options.session, isHub ? 'registry-1.docker.io' : domain)
    if (found === null) return null
    // Without a name the secret is a token to renew (BuildKit's and Docker's convention).
    return found.username === ''
      ? { identitytoken: found.secret }
      : { username: found.username, password: found.secret }
  }
}
