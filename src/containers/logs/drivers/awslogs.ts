import { InvalidArgumentError, UnavailableError, messageOf } from '#errors/errors.ts'
import { parseBool } from '../go-values.ts'
import { checkNames } from '../log-config.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'
import { BATCH_MESSAGES } from '../message-batches.ts'
import { AwsIdentity } from './aws-identity.ts'
import { askCloud, textsOf } from './cloud-request.ts'
import { eventPattern } from './multiline.ts'
import { signAws } from './sign-aws.ts'

const OPTIONS = [
  'tag',
  'awslogs-group',
  'awslogs-stream',
  'awslogs-create-group',
  'awslogs-create-stream',
  'awslogs-region',
  'awslogs-endpoint',
  'awslogs-datetime-format',
  'awslogs-multiline-pattern',
  'awslogs-credentials-endpoint',
  'awslogs-force-flush-interval-seconds',
  'awslogs-max-buffered-events',
  'awslogs-format',
]
const EMF = 'json/emf'

/** Limits of PutLogEvents (Amazon CloudWatch Logs API 2014-03-28). */
const EVENT_OVERHEAD_BYTES = 26
const EVENT_BYTES = 262_144 - EVENT_OVERHEAD_BYTES
const BATCH_BYTES = 1_048_576
const BATCH_EVENTS = 10_000
/** How long an event of many lines waits for its next line. */
const FLUSH_SECONDS = 5

/** Amazon CloudWatch Logs, by its JSON protocol. */
export const awslogsDriver: LogDriver = {
  name: 'awslogs',
  check(options) {
    checkNames('awslogs', options, OPTIONS)
    if (!options['awslogs-group']) {
      throw new InvalidArgumentError("must specify a value for log opt 'awslogs-group'")
    }
    for (const name of ['awslogs-create-group', 'awslogs-create-stream']) truth(options, name, false)
    for (const name of ['awslogs-force-flush-interval-seconds', 'awslogs-max-buffered-events']) {
      const text = options[name]
      if (text !== undefined && !/^0*[1-9]\d*$/.test(text)) {
        throw new InvalidArgumentError(`must specify a positive integer for log opt '${name}': ${text}`)
      }
    }
    checkFormat(options)
  },
  checkStart(options) {
    eventPattern(options['awslogs-datetime-format'], options['awslogs-multiline-pattern'])
    if (options['awslogs-stream'] === undefined && !truth(options, 'awslogs-create-stream', true)) {
      throw new InvalidArgumentError(
        "must specify a value for log opt 'awslogs-stream' when 'awslogs-create-stream' is false",
      )
    }
    endpointOf(options, 'us-east-1')
  },
  open(options, source) {
    return new AwsLogsSink(options, source)
  },
}

function checkFormat(options: LogOptions): void {
  const hasDate = options['awslogs-datetime-format'] !== undefined
  const hasPattern = options['awslogs-multiline-pattern'] !== undefined
  if (hasDate && hasPattern) {
    throw new InvalidArgumentError(
      "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
    )
  }
  const format = options['awslogs-format']
  if (format === undefined) return
  if (format !== EMF) throw new InvalidArgumentError(`unsupported log format '${format}'`)
  if (hasDate || hasPattern) {
    throw new InvalidArgumentError(
      "you cannot configure log opt 'awslogs-datetime-format' or 'awslogs-multiline-pattern' when log opt 'awslogs-format' is set to 'json/emf'",
    )
  }
}

function truth(options: LogOptions, name: string, otherwise: boolean): boolean {
  const text = options[name]
  if (text === undefined) return otherwise
  try {
    return parseBool(text)
  } catch (error) {
    throw new InvalidArgumentError(`must specify valid value for log opt '${name}': ${messageOf(error)}`)
  }
}

function endpointOf(options: LogOptions, region: string): URL {
  const given = options['awslogs-endpoint']
  const suffix = region.startsWith('cn-') ? '.cn' : ''
  const url = URL.parse(given || `https://logs.${region}.amazonaws.com${suffix}`)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new InvalidArgumentError(`awslogs-endpoint is no URL: ${given ?? ''}`)
  }
  return url
}

interface LogEvent {
  readonly timestamp: number
  readonly message: string
}

class AwsLogsSink implements LogSink {
  readonly #options: LogOptions
  readonly #group: string
  readonly #stream: string
  readonly #identity: AwsIdentity
  readonly #pattern: RegExp | null
  readonly #flushMs: number
  #region: string | null
  #hasStream = false
  /** Since when the last event waits for more lines. */
  #heldSinceMs: number | null = null

  constructor(options: LogOptions, source: LogSource) {
    this.#options = options
    this.#group = options['awslogs-group'] ?? ''
    this.#stream = options['awslogs-stream'] || (source.hasTag ? source.tag : source.containerId)
    this.#identity = new AwsIdentity(source.environment, options['awslogs-credentials-endpoint'] ?? null)
    this.#region = options['awslogs-region'] || null
    this.#pattern = eventPattern(options['awslogs-datetime-format'], options['awslogs-multiline-pattern'])
    this.#flushMs = 1_000 * Number(options['awslogs-force-flush-interval-seconds'] ?? FLUSH_SECONDS)
  }

  async send(messages: readonly LogMessage[]): Promise<number> {
    const ready = this.#ready(messages)
    if (ready === 0) return 0
    const events = this.#events(messages.slice(0, ready))
    for (const batch of batches(events)) await this.#put(batch)
    this.#heldSinceMs = null
    return ready
  }

  async close(): Promise<void> {}

  /** How many of the messages are whole events: the last one of many lines waits for more, but not for ever. */
  #ready(messages: readonly LogMessage[]): number {
    const pattern = this.#pattern
    if (pattern === null || messages.length >= BATCH_MESSAGES) return messages.length
    const last = messages.findLastIndex(({ content }) => pattern.test(content.toString('utf8')))
    const whole = Math.max(0, last)
    if (whole > 0) return whole
    this.#heldSinceMs ??= Date.now()
    return Date.now() - this.#heldSinceMs >= this.#flushMs ? messages.length : 0
  }

  #events(messages: readonly LogMessage[]): readonly LogEvent[] {
    const joined: { time: string; parts: Buffer[]; isOpen: boolean }[] = []
    for (const { time, content, partial } of messages) {
      const current = joined.at(-1)
      const isNew = this.#pattern?.test(content.toString('utf8')) ?? false
      const goesOn = current !== undefined && (current.isOpen || (this.#pattern !== null && !isNew))
      if (goesOn) {
        if (!current.isOpen) current.parts.push(Buffer.from('\n'))
        current.parts.push(content)
        current.isOpen = partial
      } else joined.push({ time, parts: [content], isOpen: partial })
    }
    return joined.flatMap(({ time, parts }) => {
      const timestamp = Date.parse(time)
      return cut(Buffer.concat(parts)).map((message) => ({ timestamp, message }))
    })
  }

  async #put(events: readonly LogEvent[]): Promise<void> {
    if (!this.#hasStream) await this.#makeStream()
    const answer = await this.#call(
      'PutLogEvents',
      {
        logGroupName: this.#group,
        logStreamName: this.#stream,
        // The service refuses batches that are not in the order of time.
        logEvents: events.toSorted((a, b) => a.timestamp - b.timestamp),
      },
      this.#options['awslogs-format'] === EMF ? { 'x-amzn-logs-format': EMF } : {},
    )
    // What was sent before an answer was lost is there already.
    if (answer === null || answer === 'DataAlreadyAcceptedException') return
    if (answer === 'ResourceNotFoundException') this.#hasStream = false
    throw new UnavailableError(`awslogs: PutLogEvents: ${answer}`)
  }

  async #makeStream(): Promise<void> {
    if (truth(this.#options, 'awslogs-create-stream', true)) {
      const stream = { logGroupName: this.#group, logStreamName: this.#stream }
      let answer = await this.#call('CreateLogStream', stream)
      if (answer === 'ResourceNotFoundException' && truth(this.#options, 'awslogs-create-group', false)) {
        const made = await this.#call('CreateLogGroup', { logGroupName: this.#group })
        if (made !== null && made !== 'ResourceAlreadyExistsException') {
          throw new UnavailableError(`failed to create Cloudwatch log group: ${made}`)
        }
        answer = await this.#call('CreateLogStream', stream)
      }
      if (answer !== null && answer !== 'ResourceAlreadyExistsException') {
        throw new UnavailableError(`failed to create Cloudwatch log stream: ${answer}`)
      }
    }
    this.#hasStream = true
  }

  /** Null when it was done, else the name of the error. */
  async #call(
    action: string,
    body: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string | null> {
    this.#region ??= await this.#identity.region()
    const url = endpointOf(this.#options, this.#region)
    const bytes = Buffer.from(JSON.stringify(body))
    const request = {
      method: 'POST',
      url,
      headers: {
        ...headers,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `Logs_20140328.${action}`,
      },
      body: bytes,
    }
    const signed = signAws(request, {
      credentials: await this.#identity.credentials(),
      region: this.#region,
      service: 'logs',
      date: new Date(),
    })
    const { status, text } = await askCloud(url, { method: 'POST', headers: signed, body: bytes })
    if (status === 200) return null
    const { __type: type = '', message = '' } = textsOf(text)
    const name = type.slice(type.lastIndexOf('#') + 1)
    return name || `status ${String(status)} ${message}`.trim()
  }
}

/** An event that is too long becomes several, cut between characters. */
function cut(bytes: Buffer): readonly string[] {
  const parts: string[] = []
  for (let at = 0; at < bytes.length;) {
    let end = Math.min(bytes.length, at + EVENT_BYTES)
    while (end < bytes.length && end > at + 1 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
    parts.push(bytes.toString('utf8', at, end))
    at = end
  }
  // The service refuses empty messages.
  return parts
}

function* batches(events: readonly LogEvent[]): Generator<readonly LogEvent[]> {
  let batch: LogEvent[] = []
  let sizeBytes = 0
  for (const event of events) {
    const bytes = Buffer.byteLength(event.message) + EVENT_OVERHEAD_BYTES
    if (batch.length === BATCH_EVENTS || (batch.length > 0 && sizeBytes + bytes > BATCH_BYTES)) {
      yield batch
      batch = []
      sizeBytes = 0
    }
    batch.push(event)
    sizeBytes += bytes
  }
  if (batch.length > 0) yield batch
}
