import { InvalidArgumentError } from '#errors/errors.ts'
import { isRecord } from '#plugins/answer-fields.ts'

/** A network configuration of CNI, as a list of plugins (containernetworking.github.io/cni, "Section 1: Network configuration format"). */
export interface CniConfig {
  readonly cniVersion: string
  readonly name: string
  readonly disableCheck: boolean
  readonly plugins: readonly CniPlugin[]
}

/** One plugin's part: its own keys besides. */
export type CniPlugin = Readonly<Record<string, unknown>> & { readonly type: string }

const VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0']

/** Reads a configuration: a list (`plugins`), or one plugin's (`type`), which is a list of one. @throws InvalidArgumentError. */
export function parseCniConfig(text: string): CniConfig {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refusal('it is not JSON', cause)
  }
  if (!isRecord(value)) throw refusal('it is not an object')
  const { cniVersion = '0.3.0', name } = value
  if (typeof cniVersion !== 'string' || !VERSIONS.includes(cniVersion)) {
    throw refusal(`cniVersion ${JSON.stringify(cniVersion)} is none of ${VERSIONS.join(', ')}`)
  }
  if (typeof name !== 'string' || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
    throw refusal('it has no valid name')
  const parts = value['plugins'] ?? [value]
  if (!Array.isArray(parts) || parts.length === 0) throw refusal('plugins is not a list')
  const plugins = parts.map((part: unknown): CniPlugin => {
    const type = isRecord(part) ? part['type'] : undefined
    // The type is the name of a program: nothing that leads elsewhere.
    if (!isRecord(part) || typeof type !== 'string' || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(type)) {
      throw refusal('a plugin has no valid type')
    }
    return { ...part, type }
  })
  return { cniVersion, name, disableCheck: value['disableCheck'] === true, plugins }
}

/** Whether a version of the specification is this one or newer. */
export function isAtLeast(version: string, other: string): boolean {
  return VERSIONS.indexOf(version) >= VERSIONS.indexOf(other)
}

function refusal(reason: string, cause?: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`invalid CNI configuration: ${reason}`, { cause })
}
