import { InvalidArgumentError } from '#errors/errors.ts'

/** The minor number of an API version: 1.41 is 41. All versions have the major number 1. */
export type ApiVersion = number

export const NEWEST_VERSION: ApiVersion = 56
export const OLDEST_VERSION: ApiVersion = 24

/** `1.41` of 41. */
export function versionText(version: ApiVersion): string {
  return `1.${String(version)}`
}

/**
 * Takes the version prefix off a path; a path without one asks for the newest version.
 * @throws InvalidArgumentError in Docker's words when the version is not served.
 */
export function splitVersion(path: string): { readonly version: ApiVersion; readonly path: string } {
  const match = /^\/v(\d+)\.(\d+)(\/.*)$/.exec(path)
  if (match === null) return { version: NEWEST_VERSION, path }
  const [, major, minor, rest] = match as unknown as [string, string, string, string]
  const order = Number(major) * 1000 + Number(minor)
  if (order > 1000 + NEWEST_VERSION) {
    throw new InvalidArgumentError(
      `client version ${major}.${minor} is too new. Maximum supported API version is ${versionText(NEWEST_VERSION)}`,
    )
  }
  if (order < 1000 + OLDEST_VERSION) {
    throw new InvalidArgumentError(
      `client version ${major}.${minor} is too old. Minimum supported API version is ${versionText(OLDEST_VERSION)}, please upgrade your client to a newer version`,
    )
  }
  return { version: Number(minor), path: rest }
}
