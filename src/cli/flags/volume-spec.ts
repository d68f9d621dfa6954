import { resolve } from 'node:path'
import { ExitError } from '../core/exit.ts'

/** `-v` flags in the API's form: binds, and anonymous volumes by their path. */
export interface VolumeSpecs {
  readonly binds: string[]
  readonly anonymous: Record<string, object>
}

/** Reads `-v` specifications; a relative source is made absolute, as Docker does. */
export function parseVolumes(specs: readonly string[]): VolumeSpecs {
  const binds: string[] = []
  const anonymous: Record<string, object> = {}
  for (const spec of specs) {
    const parts = spec.split(':')
    const fail = (reason: string): never => {
      throw new ExitError(125, `invalid spec: ${spec}: ${reason}`, { withHint: true })
    }
    if (parts.some((part) => part === '')) fail('empty section between colons')
    if (parts.length > 3) fail('too many colons')
    const [source = '', ...rest] = parts
    if (rest.length === 0) anonymous[source] = {}
    else binds.push([/^\.{1,2}(\/|$)/.test(source) ? resolve(source) : source, ...rest].join(':'))
  }
  return { binds, anonymous }
}
