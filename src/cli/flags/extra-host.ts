import { FlagValueError } from '../core/flag.ts'

/** Checks `name:address` (or `name=address`); the API takes the colon. @throws FlagValueError. */
export function extraHost(text: string): string {
  const at = text.search(/[:=]/)
  if (at < 1 || at === text.length - 1) throw new FlagValueError(`bad format for add-host: "${text}"`)
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1')
  if (address !== 'host-gateway' && !/^\d{1,3}(\.\d{1,3}){3}$|:/.test(address)) {
    throw new FlagValueError(`invalid IP address in add-host: "${address}"`)
  }
  return `${text.slice(0, at)}:${address}`
}
