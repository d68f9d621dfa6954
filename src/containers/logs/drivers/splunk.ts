import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { InvalidArgumentError, UnavailableError } from '#errors/errors.ts'
import { parseBool, parseInteger } from '../go-values.ts'
import { checkNames } from '../log-config.ts'
import { ATTRIBUTE_OPTIONS } from '../log-driver.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'

const TIMEOUT_MS = 30_000
const FORMATS = ['inline', 'json', 'raw'] as const

const OPTIONS = [
  ...ATTRIBUTE_OPTIONS,
  'splunk-url',
  'splunk-token',
  'splunk-source',
  'splunk-sourcetype',
  'splunk-index',
  'splunk-capath',
  'splunk-caname',
  'splunk-insecureskipverify',
  'splunk-format',
  'splunk-verify-connection',
  'splunk-gzip',
  'splunk-gzip-level',
  'splunk-index-acknowledgment',
]

/** Splunk, by its HTTP Event Collector: one request for each batch. */
export const splunkDriver: LogDriver = {
  name: 'splunk',
  check(options) {
    checkNames('splunk', options, OPTIONS)
  },
  async checkStart(options) {
    urlOf(options)
    if (!options['splunk-token']) throw new InvalidArgumentError('splunk: splunk-token is expected')
    flag(options, 'splunk-insecureskipverify')
    flag(options, 'splunk-gzip')
    gzipLevel(options)
    const format = options['splunk-format']
    if (format !== undefined && !FORMATS.some((known) => known === format)) {
      throw new InvalidArgumentError(
        `unknown format specified ${format}, supported formats are inline, json and raw`,
      )
    }
    flag(options, 'splunk-index-acknowledgment')
    // Docker looks by default, and starts nothing while Splunk is down. Here lines wait for it, unless somebody asks.
    if (flag(options, 'splunk-verify-connection')) await verify(options)
  },
  open(options, source) {
    return new SplunkSink(options, source)
  },
}

function urlOf(options: LogOptions): URL {
  const text = options['splunk-url'] ?? ''
  if (text === '') throw new InvalidArgumentError('splunk: splunk-url is expected')
  if (!/^https?:\/\/[^/?#]+\/?$/.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError('splunk: expected format scheme://dns_name_or_ip:port for splunk-url')
  }
  return new URL('/services/collector/event/1.0', text)
}

class SplunkSink implements LogSink {
  readonly #options: LogOptions
  readonly #source: LogSource
  readonly #channel: string | null

  constructor(options: LogOptions, source: LogSource) {
    this.#options = options
    this.#source = source
    this.#channel = flag(options, 'splunk-index-acknowledgment') ? randomUUID() : null
  }

  async send(messages: readonly LogMessage[]): Promise<void> {
    const isRaw = this.#options['splunk-format'] === 'raw'
    const told = messages.filter((message) => !isRaw || message.content.toString('latin1').trim() !== '')
    if (told.length === 0) return
    await this.#post(Buffer.from(told.map((message) => JSON.stringify(this.#event(message))).join('\n')))
  }

  async close(): Promise<void> {}

  #event(message: LogMessage): object {
    const { tag, attributes, hostname } = this.#source
    const line = message.content.toString('utf8')
    const optional = { source: 'splunk-source', sourcetype: 'splunk-sourcetype', index: 'splunk-index' }
    return {
      time: (Date.parse(message.time) / 1000).toFixed(6),
      host: hostname,
      ...Object.fromEntries(
        Object.entries(optional).flatMap(([key, option]) =>
          this.#options[option] ? [[key, this.#options[option]]] : [],
        ),
      ),
      event: this.#eventBody(line, { source: message.stream, tag, attributes }),
    }
  }

  #eventBody(
    line: string,
    facts: { source: string; tag: string; attributes: Readonly<Record<string, string>> },
  ): unknown {
    const format = this.#options['splunk-format'] ?? 'inline'
    if (format === 'raw') {
      const attributes = Object.entries(facts.attributes).map(([name, value]) => `${name}=${value}`)
      return [facts.tag, ...attributes, line].filter((part) => part !== '').join(' ')
    }
    const attrs = Object.keys(facts.attributes).length === 0 ? {} : { attrs: facts.attributes }
    return { line: format === 'json' ? jsonOr(line) : line, source: facts.source, tag: facts.tag, ...attrs }
  }

  async #post(text: Buffer): Promise<void> {
    const isZipped = flag(this.#options, 'splunk-gzip')
    const level = gzipLevel(this.#options)
    const body = isZipped ? await promisify<Buffer, { level: number }, Buffer>(gzip)(text, { level }) : text
    const status = await ask(this.#options, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
        // With acknowledgment of indexing on, the collector refuses requests without a channel.
        ...(this.#channel === null ? {} : { 'x-splunk-request-channel': this.#channel }),
      },
      body,
    })
    if (status !== 200) throw new UnavailableError(`splunk: failed to send events: status ${status}`)
  }
}

/** @throws UnavailableError when the collector does not answer as one */
async function verify(options: LogOptions): Promise<void> {
  const status = await ask(options, { method: 'OPTIONS', headers: {}, body: Buffer.alloc(0) })
  if (status !== 200) {
    throw new UnavailableError(`splunk: failed to verify connection: status ${status}`)
  }
}

async function ask(
  options: LogOptions,
  what: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: Buffer
  },
): Promise<number> {
  const url = urlOf(options)
  const request = {
    method: what.method,
    headers: {
      authorization: `Splunk ${options['splunk-token'] ?? ''}`,
      'content-length': what.body.length,
      ...what.headers,
    },
    timeout: TIMEOUT_MS,
  }
  return await new Promise<number>((resolve, reject) => {
    const sent =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...request, ...tlsOf(options) })
        : httpRequest(url, request)
    sent.on('response', (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new UnavailableError('splunk does not answer')))
    sent.end(what.body)
  })
}

function tlsOf(options: LogOptions): { ca?: Buffer; servername?: string; rejectUnauthorized: boolean } {
  const { 'splunk-capath': caPath, 'splunk-caname': caName } = options
  return {
    ...(caPath ? { ca: readFileSync(caPath) } : {}),
    ...(caName ? { servername: caName } : {}),
    rejectUnauthorized: !flag(options, 'splunk-insecureskipverify'),
  }
}

/** @throws InvalidArgumentError unless it is a truth value of Go's */
function flag(options: LogOptions, name: string): boolean {
  const text = options[name]
  return text !== undefined && parseBool(text)
}

function gzipLevel(options: LogOptions): number {
  const text = options['splunk-gzip-level']
  if (text === undefined) return -1
  const level = parseInteger(text, { as: 'ParseInt' })
  if (level < -1 || level > 9) {
    throw new InvalidArgumentError(
      `not supported level '${text}' for splunk-gzip-level (supported values between -1 and 9)`,
    )
  }
  return level
}

function jsonOr(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}
