import { UnavailableError, errnoOf, messageOf } from '#errors/errors.ts'

/** A registry could not be reached, or the connection broke. The words are Go's, as users know them from Docker. */
export class TransportError extends UnavailableError {
  /** Whether another try may end better: not when nobody listens, or the certificate is wrong. */
  readonly isTransient: boolean

  constructor(method: string, url: URL, cause: unknown) {
    super(`${verb(method)} "${shown(url)}": ${reason(cause, url)}`, { cause })
    this.isTransient = !PERMANENT.has(codeOf(cause)) && !isTlsFailure(codeOf(cause))
  }
}

const PERMANENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // Who did not answer in a minute was waited for long enough.
  'ETIMEDOUT',
  'EPROTO',
  'ERR_INVALID_PROTOCOL',
])

const TLS_REASONS: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: 'x509: certificate signed by unknown authority',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'x509: certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'x509: certificate signed by unknown authority',
  CERT_HAS_EXPIRED: 'x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
}

const CONNECT_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
}

function isTlsFailure(code: string): boolean {
  return code in TLS_REASONS || code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code.startsWith('ERR_SSL')
}

function reason(cause: unknown, url: URL): string {
  const code = codeOf(cause)
  if (code in TLS_REASONS) return `tls: failed to verify certificate: ${TLS_REASONS[code]}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`
  }
  if (/wrong.version.number|packet.length.too.long|record.too.small/i.test(`${code} ${messageOf(cause)}`)) {
    return 'http: server gave HTTP response to HTTPS client'
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') return `remote error: tls: ${tlsAlert(cause)}`
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${url.hostname}: no such host`
  if (code === 'EAI_AGAIN') return `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`
  if (code in CONNECT_REASONS) return `dial tcp ${addressOf(cause, url)}: ${CONNECT_REASONS[code]}`
  if (code === 'ECONNRESET')
    return messageOf(cause).includes('socket hang up') ? 'EOF' : 'read: connection reset by peer'
  return messageOf(cause)
}

function tlsAlert(cause: unknown): string {
  return /alert ([a-z ]+?):/.exec(messageOf(cause))?.[1] ?? messageOf(cause)
}

/** Node tries every address of a name and gathers the failures; the last one is what Go reports. */
function lastOf(cause: unknown): unknown {
  return cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors.at(-1) : cause
}

function codeOf(cause: unknown): string {
  const last = lastOf(cause)
  const code = last instanceof Error && 'code' in last ? String(last.code) : null
  return code ?? errnoOf(cause) ?? ''
}

function addressOf(cause: unknown, url: URL): string {
  const last = lastOf(cause)
  if (last instanceof Error && 'address' in last && 'port' in last) {
    const address = String(last.address)
    return `${address.includes(':') ? `[${address}]` : address}:${String(last.port)}`
  }
  return `${url.hostname}:${url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port}`
}

function verb(method: string): string {
  return method[0] + method.slice(1).toLowerCase()
}

/** The URL as it may be printed: signatures of storage back ends are in the query. */
function shown(url: URL): string {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare.href
}
