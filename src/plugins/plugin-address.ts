import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from '#errors/errors.ts'
import { flagField, isRecord, recordField, textField } from './answer-fields.ts'

/** Where a plugin listens. */
export type PluginAddress =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: PluginTls | null }

export interface PluginTls {
  readonly insecure: boolean
  /** PEM; null for what the machine trusts. */
  readonly ca: Buffer | null
  readonly certificate: Buffer | null
  readonly key: Buffer | null
}

const NO_TLS: PluginTls = { insecure: false, ca: null, certificate: null, key: null }

/**
 * What a `.spec` file says: one URL, `unix://`, `tcp://`, `http://` or `https://`.
 * @throws InvalidArgumentError naming the file
 */
export function parseSpecFile(text: string, path: string): PluginAddress {
  return parseUrl(text.trim(), { path, tls: null })
}

/**
 * What a `.json` file says: `Addr` and `TLSConfig` with `InsecureSkipVerify`, `CAFile`, `CertFile`, `KeyFile`. Without a CA file any
 * certificate is taken, as Docker does.
 * @throws InvalidArgumentError naming the file
 */
export function parseJsonFile(text: string, path: string): PluginAddress {
  try {
    const value: unknown = JSON.parse(text)
    if (!isRecord(value)) throw new Error('it is no object')
    const config = recordField(value, 'TLSConfig')
    const tls =
      config === null
        ? null
        : {
            insecure: flagField(config, 'InsecureSkipVerify') || textField(config, 'CAFile') === '',
            ca: fileOf(textField(config, 'CAFile')),
            certificate: fileOf(textField(config, 'CertFile')),
            key: fileOf(textField(config, 'KeyFile')),
          }
    return parseUrl(textField(value, 'Addr'), { path, tls })
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw error
    throw new InvalidArgumentError(`read plugin file ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function fileOf(path: string): Buffer | null {
  return path === '' ? null : readFileSync(path)
}

function parseUrl(
  text: string,
  { path, tls }: { readonly path: string; readonly tls: PluginTls | null },
): PluginAddress {
  const [, scheme, rest] = /^([a-z]+):\/\/(.+)$/s.exec(text) ?? []
  if (scheme === undefined || rest === undefined) {
    throw new InvalidArgumentError(`read plugin file ${path}: Unknown protocol: ${JSON.stringify(text)}`)
  }
  if (scheme === 'unix') return { kind: 'unix', socketPath: rest }
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https') {
    throw new InvalidArgumentError(`read plugin file ${path}: protocol not available: ${scheme}`)
  }
  const url = URL.parse(`http://${rest}`)
  if (url === null) throw new InvalidArgumentError(`read plugin file ${path}: bad address ${text}`)
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  return { kind: 'tcp', host, port, tls: scheme === 'https' ? (tls ?? NO_TLS) : null }
}
