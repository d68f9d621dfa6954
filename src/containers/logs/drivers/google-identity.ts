import { createSign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { UnauthenticatedError } from '#errors/errors.ts'
import { askCloud, textsOf } from './cloud-request.ts'

const METADATA_HOST = 'metadata.google.internal'
const METADATA_MS = 5_000
const SCOPE = 'https://www.googleapis.com/auth/logging.write'
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** Tokens live an hour; one is renewed so long before its end. */
const MARGIN_MS = 5 * 60_000

type Environment = Readonly<Record<string, string>>

/** Who the daemon is to Google: a service account's file, or the machine's metadata service. */
export class GoogleIdentity {
  readonly #environment: Environment
  #token: { readonly text: string; readonly untilMs: number } | null = null

  constructor(environment: Environment) {
    this.#environment = environment
  }

  /** An access token (OAuth 2.0). @throws UnauthenticatedError when nobody gives one */
  async token(): Promise<string> {
    if (this.#token !== null && Date.now() < this.#token.untilMs) return this.#token.text
    const path = this.#environment['GOOGLE_APPLICATION_CREDENTIALS']
    const json = path
      ? await this.#tokenOfFile(path)
      : await this.metadata('instance/service-accounts/default/token')
    const { access_token: text } = textsOf(json)
    const seconds = Number(/"expires_in"\s*:\s*(\d+)/.exec(json)?.[1] ?? '0')
    if (!text) throw new UnauthenticatedError('no credentials for Google Cloud Logging found')
    this.#token = { text, untilMs: Date.now() + seconds * 1_000 - MARGIN_MS }
    return text
  }

  /** The project of the credentials, or of the machine; empty when nobody says. */
  async project(): Promise<string> {
    const path = this.#environment['GOOGLE_APPLICATION_CREDENTIALS']
    if (path) return textsOf(await readFile(path, 'utf8').catch(() => '{}'))['project_id'] ?? ''
    return await this.metadata('project/project-id').catch(() => '')
  }

  /** What the metadata service says of this machine. @throws Error when there is none */
  async metadata(path: string): Promise<string> {
    const host = this.#environment['GCE_METADATA_HOST'] || METADATA_HOST
    const { status, text } = await askCloud(new URL(`http://${host}/computeMetadata/v1/${path}`), {
      method: 'GET',
      headers: { 'metadata-flavor': 'Google' },
      timeoutMs: METADATA_MS,
    })
    if (status !== 200) throw new UnauthenticatedError(`${host} answers ${String(status)}`)
    return text.trim()
  }

  /** RFC 7523: a claim signed with the account's key is worth a token. */
  async #tokenOfFile(path: string): Promise<string> {
    const account = textsOf(await readFile(path, 'utf8'))
    const { client_email: email = '', private_key: key = '', token_uri: uri = '' } = account
    const now = Math.floor(Date.now() / 1_000)
    const claim = { iss: email, scope: SCOPE, aud: uri, iat: now, exp: now + 3_600 }
    const head = { alg: 'RS256', typ: 'JWT', kid: account['private_key_id'] ?? '' }
    const text = [head, claim].map((part) => base64url(JSON.stringify(part))).join('.')
    const signature = createSign('RSA-SHA256').update(text).sign(key).toString('base64url')
    const body = new URLSearchParams({ grant_type: GRANT, assertion: `${text}.${signature}` })
    const answer = await askCloud(new URL(uri), {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(body.toString()),
    })
    if (answer.status !== 200) {
      throw new UnauthenticatedError(`${uri} gives no token: ${String(answer.status)}`)
    }
    return answer.text
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}
