import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { InvalidArgumentError, UnavailableError } from '#errors/errors.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'

const TIMEOUT_MS = 30_000
const FORMATS = ['inline', 'json', 'raw'] as const

/** Splunk, by its HTTP Event Collector: one request for each batch. */
export const splunkDriver: LogDriver = {
  name: 'splunk',
  options: [
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
  ],
  check(options) {
    urlOf(options)
    if (!options['splunk-token']) throw new InvalidArgumentError('splunk: splunk-token is expected')
    const format = options['splunk-format']
    if (format !== undefined && !FORMATS.some((known) => known === format)) {
      throw new InvalidArgumentError(
        `unknown format specified ${format}, supported formats are inline, json and raw`,
      )
    }
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
  readonly #url: URL

  constructor(options: LogOptions, source: LogSource) {
    this.#options = options
    this.#source = source
    this.#url = urlOf(options)
  }

  async send(messages: readonly LogMessage[]): Promise<void> {
    const text = Buffer.from(messages.map((message) => JSON.stringify(this.#event(message))).join('\n'))
    const zipped = this.#options['splunk-gzip'] === 'true'
    await this.#post(zipped ? await promisify(gzip)(text) : text, zipped)
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

  async #post(body: Buffer, zipped: boolean): Promise<void> {
    const options = {
      method: 'POST',
      headers: {
        authorization: `Splunk ${this.#options['splunk-token'] ?? ''}`,
        'content-type': 'application/json',
        'content-length': body.length,
        ...(zipped ? { 'content-encoding': 'gzip' } : {}),
      },
      timeout: TIMEOUT_MS,
    }
    const status = await new Promise<number>((resolve, reject) => {
      const sent =
        this.#url.protocol === 'https:'
          ? httpsRequest(this.#url, { ...options, ...this.#tls() })
          : httpRequest(this.#url, options)
      sent.on('response', (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      sent.on('error', reject)
      sent.on('timeout', () => sent.destroy(new UnavailableError('splunk does not answer')))
      sent.end(body)
    })
    if (status !== 200) throw new UnavailableError(`splunk: failed to send events: status ${status}`)
  }

  #tls(): { ca?: Buffer; servername?: string; rejectUnauthorized: boolean } {
    const { 'splunk-capath': caPath, 'splunk-caname': caName } = this.#options
    return {
      ...(caPath ? { ca: readFileSync(caPath) } : {}),
      ...(caName ? { servername: caName } : {}),
      rejectUnauthorized: this.#options['splunk-insecureskipverify'] !== 'true',
    }
  }
}

function jsonOr(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return line
  }
}
