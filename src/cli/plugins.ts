import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { readCliConfig } from './config.ts'
import { resolveEndpoint } from './contexts/resolve.ts'
import type { Parsed } from './core/parse-flags.ts'

/**
 * Runs a Docker CLI plugin (`compose`, `buildx`) of that name, pointed at the same daemon.
 * @returns its exit status; null when there is no such plugin.
 */
export async function runPlugin(
  name: string,
  { argv, globals }: { argv: readonly string[]; globals: Parsed },
): Promise<number | null> {
  if (!/^[a-z][a-z0-9]*$/.test(name)) return null
  const config = readCliConfig((globals.values['config'] as string) || null)
  const folders = [
    `${config.directory}/cli-plugins`,
    '/usr/local/lib/docker/cli-plugins',
    '/usr/local/libexec/docker/cli-plugins',
    '/usr/lib/docker/cli-plugins',
    '/usr/libexec/docker/cli-plugins',
  ]
  const path = folders.map((folder) => `${folder}/docker-${name}`).find(isExecutable)
  if (path === undefined) return null
  const { host } = resolveEndpoint({ globals: globals.values, config })
  const { ensureDaemon } = await import('./start-daemon.ts')
  await ensureDaemon(host)
  const env = {
    ...config.environment,
    DOCKER_HOST: host,
    DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: process.argv[1] ?? 'wharf',
  }
  const result = spawnSync(path, [...argv], { stdio: 'inherit', env })
  if (result.error !== undefined) throw result.error
  return result.status ?? 128 + (result.signal === 'SIGINT' ? 2 : 15)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
