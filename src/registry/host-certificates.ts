import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError, errnoOf } from '#errors/errors.ts'

/** What is known of one registry's certificates, all PEM. */
export interface HostCertificates {
  /** Authorities to trust beside the system's. */
  readonly authorities: readonly string[]
  /** Our own, with their keys. */
  readonly cert: readonly string[]
  readonly key: readonly string[]
}

/**
 * The certificates for one registry, Docker's `certs.d/<host:port>/`: `*.crt` are authorities beside the system's,
 * `x.cert` with `x.key` is a client's certificate.
 * @throws InvalidArgumentError in Docker's words when a key or a certificate has no counterpart.
 */
export function readHostCertificates(directory: string, host: string): HostCertificates {
  const own = join(directory, host.replaceAll('/', ''))
  const names = listed(own)
  const authorities = names
    .filter((name) => name.endsWith('.crt'))
    .map((name) => readFileSync(join(own, name), 'utf8'))
  const pairs = names.filter((name) => name.endsWith('.cert')).map((name) => name.slice(0, -'.cert'.length))
  for (const name of pairs) {
    if (!names.includes(`${name}.key`)) {
      throw new InvalidArgumentError(
        `missing key ${name}.key for client certificate ${name}.cert. CA certificates must use the extension .crt`,
      )
    }
  }
  for (const key of names.filter((name) => name.endsWith('.key'))) {
    const name = key.slice(0, -'.key'.length)
    if (!pairs.includes(name))
      throw new InvalidArgumentError(`missing client certificate ${name}.cert for key ${key}`)
  }
  const read = (name: string): string => readFileSync(join(own, name), 'utf8')
  return {
    authorities,
    cert: pairs.map((name) => read(`${name}.cert`)),
    key: pairs.map((name) => read(`${name}.key`)),
  }
}

function listed(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return []
    throw error
  }
}
