import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#base/logger.ts'
import { errnoOf, messageOf } from '#errors/errors.ts'
import { isRecord, textField, textsField } from './answer-fields.ts'
import type { PluginAddress } from './plugin-address.ts'
import { ConnectFailure, post, readAnswer } from './plugin-connection.ts'
import { PluginError, PluginUnreachableError } from './plugin-error.ts'
import type { PluginAnswer, PluginCallOptions, PluginClient } from './plugins.ts'

/** Longer than Docker's longest (a volume's mount): nobody waits for a plugin forever. */
const ANSWER_MS = 120_000
const ANSWER_BYTES = 8 * 1024 * 1024
const FAILURE_BYTES = 64 * 1024
/** How long one that did not answer in time is left alone by those who only look around. */
export const SILENT_MS = 15_000

export interface ActivePluginOptions {
  readonly name: string
  readonly address: PluginAddress
  readonly logger: Logger
  /** How long a plugin that cannot be connected to is tried again. */
  readonly retryMs: number
  /** The first pause; each next one is twice as long. */
  readonly pauseMs: number
  /** Called when it could not be reached at all. */
  readonly onLost: () => void
}

/** A plugin at an address. */
export class ActivePlugin implements PluginClient {
  readonly name: string
  readonly #options: ActivePluginOptions
  #capabilities: readonly string[] = []
  #silentUntilMs = 0

  constructor(options: ActivePluginOptions) {
    this.name = options.name
    this.#options = options
  }

  get capabilities(): readonly string[] {
    return this.#capabilities
  }

  /** The handshake. @throws as `call` */
  async activate(options: PluginCallOptions): Promise<void> {
    const answer = await this.#ask('Plugin.Activate', null, options)
    this.#capabilities = this.#checked('Plugin.Activate', () => textsField(answer, 'Implements'))
  }

  async call<T extends object = PluginAnswer>(
    method: string,
    body: object,
    options: PluginCallOptions = {},
  ): Promise<T> {
    return (await this.#ask(method, body, options)) as T
  }

  async stream(method: string, body: object, options: PluginCallOptions = {}): Promise<Readable> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(this.#late(method)), options.timeoutMs ?? ANSWER_MS)
    try {
      const answer = await this.#send(method, body, {
        ...options,
        signal: anyOf(options.signal, late.signal),
      })
      if (answer.statusCode !== 200) throw await this.#failure(method, answer)
      return answer
    } finally {
      clearTimeout(timer)
    }
  }

  async #ask(method: string, body: object | null, options: PluginCallOptions): Promise<PluginAnswer> {
    if (options.skipsSilent === true && Date.now() < this.#silentUntilMs) throw this.#late(method)
    const late = AbortSignal.timeout(options.timeoutMs ?? ANSWER_MS)
    const signal = anyOf(options.signal, late)
    try {
      const answer = await this.#send(method, body, { ...options, signal })
      if (answer.statusCode !== 200) throw await this.#failure(method, answer)
      const bytes = await readAnswer(answer, ANSWER_BYTES)
      this.#silentUntilMs = 0
      const said = this.#checked(method, () => parse(bytes))
      const refusal = this.#checked(method, () => textField(said, 'Err'))
      if (refusal !== '') throw new PluginError(refusal, { plugin: this.name, method, status: 200 })
      return said
    } catch (error) {
      options.signal?.throwIfAborted()
      if (late.aborted) {
        this.#silentUntilMs = Date.now() + SILENT_MS
        throw this.#late(method)
      }
      if (error instanceof PluginError) throw error
      // The answer broke off, or never ended.
      throw new PluginError(`${method}: ${messageOf(error)}`, { plugin: this.name, method, cause: error })
    }
  }

  /** Sends until there is an answer. */
  async #send(
    method: string,
    body: object | null,
    options: PluginCallOptions & { readonly signal: AbortSignal },
  ): Promise<IncomingMessage> {
    const { address, logger, retryMs, onLost } = this.#options
    const start = Date.now()
    for (let pauseMs = this.#options.pauseMs; ; pauseMs *= 2) {
      try {
        return await post(address, method, { body, signal: options.signal })
      } catch (error) {
        if (!(error instanceof ConnectFailure)) throw error
        if (options.retry === false || Date.now() - start + pauseMs > retryMs) {
          onLost()
          throw new PluginUnreachableError(failedPost(address, method, error), {
            plugin: this.name,
            method,
            cause: error,
          })
        }
        logger.warn('connect to a plugin', { plugin: this.name, method, error: error.message, pauseMs })
        await sleep(pauseMs, null, { signal: options.signal }).catch(() => options.signal.throwIfAborted())
      }
    }
  }

  /** What an answer with another status than 200 says: `Err` of JSON, else its text. */
  async #failure(method: string, answer: IncomingMessage): Promise<PluginError> {
    const text = (await readAnswer(answer, FAILURE_BYTES)).toString('utf8')
    let said = text
    try {
      const parsed: unknown = JSON.parse(text)
      if (isRecord(parsed) && textField(parsed, 'Err') !== '') said = textField(parsed, 'Err')
    } catch {
      // Not JSON: the text itself is the message.
    }
    return new PluginError(`${method}: ${said}`, {
      plugin: this.name,
      method,
      ...(answer.statusCode !== undefined && { status: answer.statusCode }),
    })
  }

  #checked<T>(method: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw new PluginError(`${method}: plugin ${JSON.stringify(this.name)} answered ${messageOf(error)}`, {
        plugin: this.name,
        method,
        cause: error,
      })
    }
  }

  #late(method: string): PluginUnreachableError {
    return new PluginUnreachableError(
      `${method}: plugin ${JSON.stringify(this.name)} did not answer in time`,
      { plugin: this.name, method },
    )
  }
}

/** An empty answer means that nothing is to be said. */
function parse(bytes: Buffer): PluginAnswer {
  const text = bytes.toString('utf8').trim()
  if (text === '') return {}
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) throw new TypeError('no JSON object')
  return value
}

/** In Docker's words. */
function failedPost(address: PluginAddress, method: string, error: ConnectFailure): string {
  const errno = errnoOf(error.cause)
  const reason = errno === null ? error.message : (DIAL_REASONS[errno] ?? error.message)
  if (address.kind === 'unix') {
    return `Post "http://plugin.moby.localhost/${method}": dial unix ${address.socketPath}: connect: ${reason}`
  }
  const host = `${address.host}:${String(address.port)}`
  return `Post "${address.tls === null ? 'http' : 'https'}://${host}/${method}": dial tcp ${host}: connect: ${reason}`
}

const DIAL_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  ECONNREFUSED: 'connection refused',
}

function anyOf(given: AbortSignal | undefined, own: AbortSignal): AbortSignal {
  return given === undefined ? own : AbortSignal.any([given, own])
}
