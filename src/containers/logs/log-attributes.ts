import type { ContainerRecord } from '../records.ts'
import { parseRegex } from './go-values.ts'

/** What a driver is to tell beside each line: `labels`, `labels-regex`, `env`, `env-regex` of the log options. */
export function logAttributes(record: ContainerRecord): Readonly<Record<string, string>> {
  const options = record.hostConfig.LogConfig?.Config ?? {}
  const attributes: Record<string, string> = {}
  const select = (names: string | undefined, regex: string | undefined): ((name: string) => boolean) => {
    const listed = new Set((names ?? '').split(',').filter((name) => name !== ''))
    const pattern = regex ? parseRegex(regex) : null
    return (name) => listed.has(name) || (pattern?.test(name) ?? false)
  }
  const wantsLabel = select(options['labels'], options['labels-regex'])
  for (const [name, value] of Object.entries(record.config.Labels ?? {})) {
    if (wantsLabel(name)) attributes[name] = value
  }
  const wantsVariable = select(options['env'], options['env-regex'])
  for (const entry of record.config.Env ?? []) {
    const equals = entry.indexOf('=')
    if (equals > 0 && wantsVariable(entry.slice(0, equals)))
      attributes[entry.slice(0, equals)] = entry.slice(equals + 1)
  }
  return attributes
}
