import type { CliConfig } from '../config.ts'

const names: Readonly<Record<string, string>> = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  noProxy: 'NO_PROXY',
  ftpProxy: 'FTP_PROXY',
  allProxy: 'ALL_PROXY',
}

/** The proxy variables that config.json gives to containers and builds, in capitals and in small letters. */
export function proxyVariables({ file }: CliConfig): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [key, value] of Object.entries(file.proxies?.['default'] ?? {})) {
    const name = names[key]
    if (name === undefined || value === '') continue
    out[name] = value
    out[name.toLowerCase()] = value
  }
  return out
}
