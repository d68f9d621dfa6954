import type { AuthConfig } from '#spec/docker/image.ts'
import type { CliConfig } from '../config.ts'
import { registryOf } from '../core/reference.ts'

/** The name under which Docker Hub's credentials are kept. */
export const HUB = 'https://index.docker.io/v1/'

/** Credentials for one registry, with a token when the registry gave one. */
export type Credentials = AuthConfig & { readonly identitytoken?: string; readonly registrytoken?: string }

/** The key of a registry in config.json. */
export const registryKey = (registry: string): string =>
  ['docker.io', 'index.docker.io', ''].includes(registry) ? HUB : registry

/** The credentials that config.json or a helper has for a registry; null when there are none. */
export async function credentialsFor(config: CliConfig, registry: string): Promise<Credentials | null> {
  const key = registryKey(registry)
  const helper =
    config.file.credHelpers?.[registry] ?? config.file.credHelpers?.[key] ?? config.file.credsStore
  if (helper !== undefined && helper !== '') {
    const { helperGet } = await import('./credential-helper.ts')
    return helperGet(helper, key)
  }
  const auths = config.file.auths ?? {}
  const bare = (name: string) => name.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
  const found = auths[key] ?? Object.entries(auths).find(([name]) => bare(name) === bare(key))?.[1]
  if (found === undefined) return null
  const decoded =
    found.auth === undefined || found.auth === '' ? '' : Buffer.from(found.auth, 'base64').toString()
  const colon = decoded.indexOf(':')
  return {
    username: colon < 0 ? (found.username ?? '') : decoded.slice(0, colon),
    password: colon < 0 ? (found.password ?? '') : decoded.slice(colon + 1).replace(/\0+$/, ''),
    serveraddress: key,
    ...(found.identitytoken === undefined ? {} : { identitytoken: found.identitytoken }),
    ...(found.registrytoken === undefined ? {} : { registrytoken: found.registrytoken }),
  }
}

/** The value of X-Registry-Auth for an image's registry; undefined when nothing is known of it. */
export async function authHeaderFor(config: CliConfig, image: string): Promise<string | undefined> {
  const credentials = await credentialsFor(config, registryOf(image))
  return credentials === null ? undefined : encodeAuth(credentials)
}

/** Credentials as the API's headers take them. */
export const encodeAuth = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_')

/** All credentials of config.json, for a build (X-Registry-Config). */
export async function allCredentials(config: CliConfig): Promise<Record<string, Credentials>> {
  const names = new Set([
    ...Object.keys(config.file.auths ?? {}),
    ...Object.keys(config.file.credHelpers ?? {}),
  ])
  const out: Record<string, Credentials> = {}
  for (const name of names) {
    const found = await credentialsFor(config, name)
    if (found !== null) out[registryKey(name)] = found
  }
  return out
}
