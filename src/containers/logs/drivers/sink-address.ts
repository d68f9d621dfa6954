import { InvalidArgumentError } from '#errors/errors.ts'

/** `tcp://host:port` and its like, taken apart. */
export interface SinkAddress {
  readonly scheme: string
  readonly host: string
  readonly port: number
  /** Of unix sockets. */
  readonly path: string
}

/** @throws InvalidArgumentError unless it is an address of one of the schemes */
export function parseSinkAddress(
  text: string,
  options: {
    readonly schemes: readonly string[]
    readonly defaultPort: number | null
    readonly what: string
  },
): SinkAddress {
  const refuse = (why: string): never => {
    throw new InvalidArgumentError(`${options.what}: ${why}: ${JSON.stringify(text)}`)
  }
  const match = /^([a-z+]+):\/\/(.*)$/.exec(text)
  const scheme = match?.[1] ?? refuse('address should be in the form proto://address')
  const rest = match?.[2] ?? ''
  if (!options.schemes.includes(scheme)) refuse(`unsupported scheme ${scheme}`)
  if (scheme.startsWith('unix')) {
    if (rest === '') refuse('path is empty')
    return { scheme, host: '', port: 0, path: rest }
  }
  const parts = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]+)(?::(\d+))?\/?$/.exec(rest)
  const port = parts?.[2] === undefined ? options.defaultPort : Number(parts[2])
  if (parts === null || port === null || port < 1 || port > 65535)
    return refuse('please provide an address as host:port')
  return { scheme, host: (parts[1] ?? '').replace(/^\[|\]$/g, ''), port, path: '' }
}
