import { WharfError } from '#errors/errors.ts'
import { familiarName, familiarString, type Reference } from '#spec/reference.ts'
import { RegistryError, asWharfError } from './registry-error.ts'

/** A refused pull in Docker's words. */
export function pullError(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryError)) return error
  switch (error.registryCode) {
    case 'DENIED':
      return asWharfError(
        error,
        `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${error.message}`,
      )
    case 'MANIFEST_UNKNOWN':
      return asWharfError(error, `manifest for ${familiarString(reference)} not found: ${error.message}`)
    case 'NAME_UNKNOWN':
      return asWharfError(error, `repository ${familiarName(reference)} not found: ${error.message}`)
    default:
      return asWharfError(error, error.message)
  }
}

/** A refused push in Docker's words. */
export function pushError(error: unknown): unknown {
  if (error instanceof RegistryError) return asWharfError(error, error.message)
  return error instanceof WharfError ? error : error
}
