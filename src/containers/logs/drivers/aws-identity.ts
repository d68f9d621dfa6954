import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UnauthenticatedError } from '#errors/errors.ts'
import { askCloud, textsOf } from './cloud-request.ts'
import type { AwsCredentials } from './sign-aws.ts'

const METADATA = 'http://169.254.169.254'
const CONTAINER_CREDENTIALS = 'http://169.254.170.2'
const METADATA_MS = 5_000
/** Credentials are renewed so long before they end. */
const MARGIN_MS = 5 * 60_000

type Environment = Readonly<Record<string, string>>

/** Who the daemon is to Amazon: the usual chain of variables, file, and the machine's metadata service. */
export class AwsIdentity {
  readonly #environment: Environment
  /** The option `awslogs-credentials-endpoint`: a path of the container credentials service. */
  readonly #endpoint: string | null
  #known: { readonly credentials: AwsCredentials; readonly untilMs: number } | null = null

  constructor(environment: Environment, endpoint: string | null) {
    this.#environment = environment
    this.#endpoint = endpoint
  }

  /** @throws UnauthenticatedError when nobody knows any */
  async credentials(): Promise<AwsCredentials> {
    if (this.#known !== null && Date.now() < this.#known.untilMs) return this.#known.credentials
    const found =
      this.#endpoint === null
        ? (fromVariables(this.#environment) ??
          (await fromFile(this.#environment)) ??
          (await fromContainerService(this.#environment)) ??
          (await fromMetadata(this.#environment)))
        : await fromUrl(new URL(this.#endpoint, CONTAINER_CREDENTIALS), {})
    if (found === null) throw new UnauthenticatedError('no credentials for Amazon CloudWatch Logs found')
    this.#known = found
    return found.credentials
  }

  /** @throws UnauthenticatedError when neither variables nor the machine tell it */
  async region(): Promise<string> {
    const named = this.#environment['AWS_REGION'] || this.#environment['AWS_DEFAULT_REGION']
    if (named) return named
    const answer = await metadata(this.#environment, 'latest/meta-data/placement/region').catch(() => null)
    if (answer === null || answer === '') {
      throw new UnauthenticatedError('cannot determine region for awslogs driver')
    }
    return answer
  }
}

interface Found {
  readonly credentials: AwsCredentials
  readonly untilMs: number
}

function fromVariables(environment: Environment): Found | null {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = environment
  if (!id || !secret) return null
  return forever({ accessKeyId: id, secretAccessKey: secret, sessionToken: token || null })
}

/** The shared credentials file: sections of profiles with `key = value`. */
async function fromFile(environment: Environment): Promise<Found | null> {
  const path =
    environment['AWS_SHARED_CREDENTIALS_FILE'] || join(environment['HOME'] || '/root', '.aws', 'credentials')
  const text = await readFile(path, 'utf8').catch(() => '')
  const wanted = environment['AWS_PROFILE'] || 'default'
  const values = new Map<string, string>()
  let section = ''
  for (const line of text.split('\n')) {
    section = /^\s*\[\s*(.*?)\s*\]/.exec(line)?.[1] ?? section
    const [, key, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (section === wanted && key !== undefined && value !== undefined) values.set(key, value)
  }
  const [id, secret] = [values.get('aws_access_key_id'), values.get('aws_secret_access_key')]
  if (!id || !secret) return null
  // A file may be written anew by whoever rotates keys: it is read again now and then.
  return {
    credentials: {
      accessKeyId: id,
      secretAccessKey: secret,
      sessionToken: values.get('aws_session_token') || null,
    },
    untilMs: Date.now() + MARGIN_MS,
  }
}

async function fromContainerService(environment: Environment): Promise<Found | null> {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } =
    environment
  const token = environment['AWS_CONTAINER_AUTHORIZATION_TOKEN']
  if (!path && !full) return null
  const url = path ? new URL(path, CONTAINER_CREDENTIALS) : new URL(full ?? '')
  return await fromUrl(url, token ? { authorization: token } : {})
}

async function fromMetadata(environment: Environment): Promise<Found | null> {
  if (environment['AWS_EC2_METADATA_DISABLED']?.toLowerCase() === 'true') return null
  const path = 'latest/meta-data/iam/security-credentials/'
  const role = (await metadata(environment, path).catch(() => null))?.split('\n')[0]
  if (!role) return null
  return parse(await metadata(environment, `${path}${role}`))
}

/** The metadata service of an instance, version 2: a token first. */
async function metadata(environment: Environment, path: string): Promise<string> {
  const base = environment['AWS_EC2_METADATA_SERVICE_ENDPOINT'] || METADATA
  const token = await askCloud(new URL('latest/api/token', `${base.replace(/\/$/, '')}/`), {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '300' },
    timeoutMs: METADATA_MS,
  })
  const answer = await askCloud(new URL(path, `${base.replace(/\/$/, '')}/`), {
    method: 'GET',
    headers: token.status === 200 ? { 'x-aws-ec2-metadata-token': token.text } : {},
    timeoutMs: METADATA_MS,
  })
  if (answer.status !== 200) throw new UnauthenticatedError(`${base} answers ${String(answer.status)}`)
  return answer.text
}

async function fromUrl(url: URL, headers: Readonly<Record<string, string>>): Promise<Found> {
  const answer = await askCloud(url, { method: 'GET', headers, timeoutMs: METADATA_MS })
  const found = answer.status === 200 ? parse(answer.text) : null
  if (found === null)
    throw new UnauthenticatedError(`${url.href} gives no credentials: ${String(answer.status)}`)
  return found
}

function parse(json: string): Found | null {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = textsOf(json)
  if (!AccessKeyId || !SecretAccessKey) return null
  const credentials = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: Token || null,
  }
  const end = Date.parse(Expiration ?? '')
  if (Number.isNaN(end)) return forever(credentials)
  return { credentials, untilMs: end - MARGIN_MS }
}

function forever(credentials: AwsCredentials): Found {
  return { credentials, untilMs: Infinity }
}
