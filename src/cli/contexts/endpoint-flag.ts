import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { CliConfig } from '../config.ts'
import { FlagValueError } from '../core/flag.ts'
import { csvFields, parseGoBool } from '../flags/csv.ts'
import { readContext, tlsFolder, writeContext } from './store.ts'

/** The settings of `--docker`. */
export type EndpointSettings = Readonly<Record<string, string>>

const known = new Set(['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify'])

/** Reads `host=…,ca=…`. @throws FlagValueError. */
export function endpointFlag(text: string): EndpointSettings {
  const out: Record<string, string> = {}
  for (const field of csvFields(text)) {
    const equals = field.indexOf('=')
    if (equals < 0) throw new FlagValueError(`${field} must be formatted as key=value`)
    const key = field.slice(0, equals)
    if (!known.has(key)) throw new FlagValueError(`unrecognized config key: ${key}`)
    out[key] = field.slice(equals + 1)
  }
  return out
}

/** Puts the settings into a stored context: its host, and copies of its TLS files. */
export function storeEndpoint(
  config: CliConfig,
  { name, settings }: { name: string; settings: EndpointSettings },
): void {
  const meta = readContext(config, name)
  const before = meta.Endpoints['docker'] ?? {}
  const skip = settings['skip-tls-verify']
  const docker = {
    ...before,
    ...(settings['host'] === undefined ? {} : { Host: settings['host'] }),
    ...(skip === undefined ? {} : { SkipTLSVerify: parseGoBool(skip) ?? false }),
  }
  writeContext(config, { ...meta, Endpoints: { ...meta.Endpoints, docker } })
  for (const [key, file] of [
    ['ca', 'ca.pem'],
    ['cert', 'cert.pem'],
    ['key', 'key.pem'],
  ] as const) {
    const path = settings[key]
    if (path === undefined || path === '') continue
    const folder = `${tlsFolder(config, name)}/docker`
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(`${folder}/${file}`, readFileSync(path.replace(/^~(?=\/)/, config.home)), { mode: 0o600 })
  }
}
