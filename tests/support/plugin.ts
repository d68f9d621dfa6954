import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { join } from 'node:path'

export interface PluginCall {
  readonly method: string
  readonly body: Record<string, any>
  readonly headers: IncomingMessage['headers']
}

/** What a plugin of a test answers: an object as JSON, or whatever it writes itself when it returns nothing. */
export type PluginHandler = (
  call: PluginCall,
  response: ServerResponse,
) => object | undefined | Promise<object | undefined>

/** A plugin on a socket in a directory of plugins; it records what it was asked. */
export class TestPlugin {
  readonly calls: PluginCall[] = []
  readonly socketPath: string
  readonly #server: Server

  private constructor(socketPath: string, server: Server) {
    this.socketPath = socketPath
    this.#server = server
  }

  /** @param options.implements the answer to the handshake; the handler is asked instead when absent. */
  static async start(
    directory: string,
    options: {
      readonly name: string
      readonly implements?: readonly string[]
      readonly handle: PluginHandler
    },
  ): Promise<TestPlugin> {
    mkdirSync(directory, { recursive: true })
    const server = createServer((request, response) => {
      void answer(request, response)
    })
    const plugin = new TestPlugin(join(directory, `${options.name}.sock`), server)
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const text = Buffer.concat(chunks).toString('utf8')
      const call = {
        method: request.url?.slice(1) ?? '',
        body: (text === '' ? {} : JSON.parse(text)) as Record<string, any>,
        headers: request.headers,
      }
      plugin.calls.push(call)
      const isHandshake = call.method === 'Plugin.Activate' && options.implements !== undefined
      const said = isHandshake ? { Implements: options.implements } : await options.handle(call, response)
      if (said !== undefined) response.end(JSON.stringify(said))
    }
    rmSync(plugin.socketPath, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(plugin.socketPath, resolve)
    })
    return plugin
  }

  /** The names of the calls, in order. */
  get methods(): readonly string[] {
    return this.calls.map(({ method }) => method)
  }

  /** Ends as a plugin that crashes: its socket goes with it. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
    rmSync(this.socketPath, { force: true })
  }
}
