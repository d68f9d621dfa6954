import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import type { CliConfig, ConfigFile } from '../config.ts'

/** Writes config.json, complete or not at all; only its owner may read it, as it may hold passwords. */
export function writeConfigFile(config: CliConfig, file: ConfigFile): void {
  mkdirSync(config.directory, { recursive: true, mode: 0o700 })
  const path = `${config.directory}/config.json`
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, JSON.stringify({ auths: {}, ...file }, null, '\t'), { mode: 0o600 })
  renameSync(temporary, path)
}
