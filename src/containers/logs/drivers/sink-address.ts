import { InvalidArgumentError } from '#errors/errors.ts'

/** `tcp://host:port` and its like, taken apart. */
export interface SinkAddress {
  readonly scheme: string
  /** Empty for this machine. */
  readonly host: string
  readonly port: number
  /** Of unix sockets. */
  readonly path: string
}

/** What is wrong with an address; each driver has words of its own for it. */
export type AddressFault =
  | { readonly kind: 'scheme'; readonly scheme: string }
  /** No host and port, or no port where one is needed. */
  | { readonly kind: 'no-port' }
  | { readonly kind: 'bad-port'; readonly port: string }
  | { readonly kind: 'port-range'; readonly port: string }
  | { readonly kind: 'path' }
  | { readonly kind: 'no-path' }

/** @throws InvalidArgumentError in the driver's words unless it is an address of one of the schemes */
export function parseSinkAddress(
  text: string,
  options: {
    readonly schemes: readonly string[]
    /** Null: it must be given. */
    readonly defaultPort: number | null
    /** What a path behind the port is: ignored, or a fault. */
    readonly allowsPath?: boolean
    readonly words: (fault: AddressFault) => string
  },
): SinkAddress {
  const refuse = (fault: AddressFault): never => {
    throw new InvalidArgumentError(options.words(fault))
  }
  const [, scheme = '', rest = ''] = /^([a-z+]+):\/\/(.*)$/s.exec(text) ?? []
  if (!options.schemes.includes(scheme)) return refuse({ kind: 'scheme', scheme })
  if (scheme.startsWith('unix')) {
    if (rest === '') return refuse({ kind: 'no-path' })
    return { scheme, host: '', port: 0, path: rest }
  }
  const slash = rest.indexOf('/')
  const authority = slash < 0 ? rest : rest.slice(0, slash)
  if (slash >= 0 && rest.slice(slash) !== '/' && options.allowsPath !== true) return refuse({ kind: 'path' })
  const [, host = '', portText] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(authority) ?? []
  if (portText !== undefined && !/^\d*$/.test(portText)) return refuse({ kind: 'bad-port', port: portText })
  if (portText === undefined || portText === '') {
    if (options.defaultPort === null) return refuse({ kind: 'no-port' })
    return { scheme, host: bare(host), port: options.defaultPort, path: '' }
  }
  const port = Number(portText)
  if (port < 1 || port > 65535) return refuse({ kind: 'port-range', port: portText })
  return { scheme, host: bare(host), port, path: '' }
}

/** Without the brackets of IPv6. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}
