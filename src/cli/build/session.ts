import { createReadStream } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { SessionMissingError, type SessionAnswer, type SessionAnswers } from '#client/build-session.ts'
import { SESSION_TAKEN } from '#spec/build-session.ts'
import type { SecretSource } from './secrets.ts'

/** What a build may be given from here. */
export interface SessionOffers {
  readonly secrets: ReadonlyMap<string, SecretSource>
  /** Sockets of SSH agents by id. */
  readonly agents: ReadonlyMap<string, string>
  /** Tars of named contexts. */
  readonly contexts: ReadonlyMap<string, () => AsyncIterable<Uint8Array>>
  /** Tars of directories with a cache. */
  readonly caches: ReadonlyMap<string, () => AsyncIterable<Uint8Array>>
  /** Who takes outputs, and caches, by number. */
  readonly outputs: ReadonlyMap<string, SessionSink>
  readonly cacheSinks: ReadonlyMap<string, SessionSink>
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Takes what the daemon sends; `below` is the folder in the destination, which may be empty. */
export type SessionSink = (bytes: AsyncIterable<Uint8Array>, below: string) => Promise<void>

/** Answers what a build asks for: only what the command line offered. */
export function sessionAnswers(offers: SessionOffers): SessionAnswers {
  return ({ kind, name }) => {
    switch (kind) {
      case 'secret':
        return Promise.resolve(secretAnswer(offers, name))
      case 'ssh':
        return agentAnswer(offers, name)
      case 'context':
        return Promise.resolve(sourceAnswer(offers.contexts.get(name), `build context ${name}`))
      case 'cache-in':
        return Promise.resolve(sourceAnswer(offers.caches.get(name), `cache ${name}`))
      case 'output':
      case 'cache-out': {
        const [number = '', below = ''] = name.split('/')
        const sink = (kind === 'output' ? offers.outputs : offers.cacheSinks).get(number)
        if (sink === undefined || !/^[a-z0-9_]*$/.test(below))
          throw new SessionMissingError(`no ${kind} ${name} was asked for`)
        return Promise.resolve(async (connection: Socket) => {
          await sink(connection.iterator({ destroyOnReturn: false }), below)
          connection.end(SESSION_TAKEN)
        })
      }
    }
  }
}

function secretAnswer(offers: SessionOffers, name: string): SessionAnswer {
  const source = offers.secrets.get(name)
  if (source === undefined) throw new SessionMissingError(`secret ${name} not found`)
  if (source.kind === 'file') return (connection) => pipeline(createReadStream(source.path), connection)
  const value = offers.environment[source.name]
  if (value === undefined) throw new SessionMissingError(`secret ${name}: ${source.name} is not set`)
  return (connection) =>
    new Promise((resolve) => {
      connection.end(value, () => resolve())
    })
}

function agentAnswer(offers: SessionOffers, name: string): Promise<SessionAnswer> {
  const path = offers.agents.get(name)
  if (path === undefined) throw new SessionMissingError(`no SSH agent "${name}" is forwarded`)
  return new Promise((resolve, reject) => {
    const agent = connect(path)
    agent.once('error', reject)
    agent.once('connect', () => {
      agent.off('error', reject)
      resolve((connection) => joined(agent, connection))
    })
  })
}

function joined(agent: Socket, connection: Socket): Promise<void> {
  return new Promise((resolve) => {
    for (const [from, to] of [
      [agent, connection],
      [connection, agent],
    ] as const) {
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        resolve()
      })
      from.pipe(to)
    }
  })
}

function sourceAnswer(source: (() => AsyncIterable<Uint8Array>) | undefined, what: string): SessionAnswer {
  if (source === undefined) throw new SessionMissingError(`no ${what} was given`)
  return (connection) => pipeline(source(), connection)
}
