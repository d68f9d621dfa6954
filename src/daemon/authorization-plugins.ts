import { existsSync, readFileSync } from 'node:fs'
import { request as send } from 'node:http'
import type { AnswerFacts, Authorizer, RequestFacts } from '#api/authorization.ts'
import { PermissionDeniedError, UnavailableError, messageOf } from '#errors/errors.ts'

/** How long a plugin may think. */
const ANSWER_MS = 30_000

/** Asks the plugins in order; the first that says no decides. */
export function createAuthorizer(names: readonly string[], directories = PLUGIN_DIRECTORIES): Authorizer {
  const plugins = names.map((name) => new AuthorizationPlugin(name, directories))
  return {
    async checkRequest(request) {
      for (const plugin of plugins) await plugin.ask('AuthZReq', requestBody(request))
    },
    async checkAnswer(request, answer) {
      for (const plugin of plugins.toReversed()) {
        await plugin.ask('AuthZRes', { ...requestBody(request), ...answerBody(answer) })
      }
    },
  }
}

/** Where plugins leave their sockets, and where files say where else they are (Docker's "Plugin discovery"). */
const PLUGIN_DIRECTORIES: PluginDirectories = {
  sockets: '/run/docker/plugins',
  specs: ['/etc/docker/plugins', '/usr/lib/docker/plugins'],
}

export interface PluginDirectories {
  readonly sockets: string
  readonly specs: readonly string[]
}

function requestBody(request: RequestFacts): Record<string, unknown> {
  return {
    User: request.user,
    UserAuthNMethod: request.user === '' ? '' : 'TLS',
    RequestMethod: request.method,
    RequestUri: request.uri,
    RequestHeaders: request.headers,
    ...(request.body !== null && { RequestBody: Buffer.from(request.body).toString('base64') }),
  }
}

function answerBody(answer: AnswerFacts): Record<string, unknown> {
  return {
    ResponseStatusCode: answer.status,
    ResponseHeaders: answer.headers,
    ...(answer.body !== null && { ResponseBody: Buffer.from(answer.body).toString('base64') }),
  }
}

class AuthorizationPlugin {
  readonly #name: string
  readonly #directories: PluginDirectories
  #activated: Promise<string> | null = null

  constructor(name: string, directories: PluginDirectories) {
    this.#name = name
    this.#directories = directories
  }

  /** A plugin that cannot be asked refuses everything. */
  async ask(question: 'AuthZReq' | 'AuthZRes', body: object): Promise<void> {
    let answer: { Allow?: unknown; Msg?: unknown; Err?: unknown }
    try {
      answer = (await call(await this.#socket(), `/AuthZPlugin.${question}`, body)) as typeof answer
    } catch (error) {
      this.#activated = null
      throw new UnavailableError(`plugin ${this.#name} failed with error: ${messageOf(error)}`, {
        cause: error,
      })
    }
    if (typeof answer.Err === 'string' && answer.Err !== '') {
      throw new UnavailableError(`plugin ${this.#name} failed with error: ${answer.Err}`)
    }
    if (answer.Allow !== true) {
      const why = typeof answer.Msg === 'string' ? answer.Msg : ''
      throw new PermissionDeniedError(`authorization denied by plugin ${this.#name}: ${why}`)
    }
  }

  #socket(): Promise<string> {
    this.#activated ??= this.#activate()
    return this.#activated
  }

  async #activate(): Promise<string> {
    const path = this.#find()
    const { Implements } = (await call(path, '/Plugin.Activate', {})) as { Implements?: unknown }
    if (!Array.isArray(Implements) || !Implements.includes('authz')) {
      throw new Error('it is no authorization plugin')
    }
    return path
  }

  #find(): string {
    const { sockets, specs } = this.#directories
    const places = [`${sockets}/${this.#name}.sock`, `${sockets}/${this.#name}/${this.#name}.sock`]
    const found = places.find((path) => existsSync(path))
    if (found !== undefined) return found
    for (const directory of specs) {
      const file = `${directory}/${this.#name}.spec`
      if (!existsSync(file)) continue
      const address = readFileSync(file, 'utf8').trim()
      if (address.startsWith('unix://')) return address.slice('unix://'.length)
      throw new Error(`${file} names ${address}: only unix sockets are asked`)
    }
    throw new Error(`plugin "${this.#name}" not found`)
  }
}

/** One call of the plugin protocol: JSON there and back. */
function call(socketPath: string, path: string, body: object): Promise<unknown> {
  const bytes = Buffer.from(JSON.stringify(body))
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/vnd.docker.plugins.v1.2+json',
    'Content-Length': bytes.byteLength,
  }
  return new Promise((resolve, reject) => {
    const sent = send({ socketPath, path, method: 'POST', headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        try {
          if (answer.statusCode !== 200)
            throw new Error(`status ${String(answer.statusCode)}: ${text.slice(0, 200)}`)
          resolve(JSON.parse(text))
        } catch (error) {
          reject(error as Error)
        }
      })
    })
    sent.on('error', reject)
    sent.setTimeout(ANSWER_MS, () => sent.destroy(new Error('no answer in time')))
    sent.end(bytes)
  })
}
