import { cpSync, existsSync } from 'node:fs'
import type { CliConfig } from '../config.ts'
import { resolveEndpoint } from './resolve.ts'
import { readContext, tlsFolder, writeContext } from './store.ts'

/** Makes a context like another; `default` is what the environment says now. */
export function copyContext(
  config: CliConfig,
  { from, to, description }: { from: string; to: string; description: string },
): void {
  const about = description === '' ? {} : { Description: description }
  if (from === 'default') {
    const { host } = resolveEndpoint({ globals: {}, config: { ...config, dockerContext: '', file: {} } })
    writeContext(config, {
      Name: to,
      Metadata: about,
      Endpoints: { docker: { Host: host, SkipTLSVerify: false } },
    })
    return
  }
  const source = readContext(config, from)
  writeContext(config, { ...source, Name: to, Metadata: { ...source.Metadata, ...about } })
  if (existsSync(tlsFolder(config, from)))
    cpSync(tlsFolder(config, from), tlsFolder(config, to), { recursive: true })
}
