import { constants } from 'node:fs'
import { open, rm, type FileHandle } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError, errnoOf } from '#errors/errors.ts'
import { makeNode } from '#kernel/device-nodes.ts'
import { unreadBytes } from '#kernel/pipes.ts'
import type { PluginClient, Plugins } from '#plugins/plugins.ts'
import type { LogDriver, LogMessage, LogOptions, LogSink, LogSource } from '../log-driver.ts'
import { encodeEntry } from './log-entry.ts'

/** One for each container, so that what a crash left is found again. */
const PIPE = 'log-plugin.pipe'
/** A plugin that reads nothing for so long is started anew. */
const STALLED_MS = 30_000
const LONGEST_PAUSE_MS = 256

/** A driver that is a plugin ("Docker log driver plugins", `LogDriver.*`). Its options are its own to check. */
export function pluginLogDriver(name: string, plugins: Plugins): LogDriver {
  return {
    name,
    check() {},
    open: (options, source) => new PluginSink({ name, plugins, options, source }),
  }
}

interface Link {
  readonly path: string
  readonly pipe: FileHandle
  readonly plugin: PluginClient
}

/** Writes entries into a pipe that the plugin reads. The pipe is made when there is something to write. */
class PluginSink implements LogSink {
  readonly #of: {
    readonly name: string
    readonly plugins: Plugins
    readonly options: LogOptions
    readonly source: LogSource
  }
  #link: Link | null = null

  constructor(of: { name: string; plugins: Plugins; options: LogOptions; source: LogSource }) {
    this.#of = of
  }

  async send(messages: readonly LogMessage[]): Promise<void> {
    // A plugin that was started anew knows nothing of the pipe.
    const plugin = await this.#of.plugins.get(this.#of.name, 'LogDriver')
    if (this.#link !== null && this.#link.plugin !== plugin) await this.close()
    this.#link ??= await this.#start(plugin)
    try {
      await write(this.#link.pipe, Buffer.concat(messages.map(encodeEntry)), () => this.#isSame(plugin))
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const link = this.#link
    this.#link = null
    if (link === null) return
    await link.pipe.close()
    await link.plugin.call('LogDriver.StopLogging', { File: link.path }, { retry: false }).catch(() => {})
    await rm(link.path, { force: true })
  }

  async #isSame(plugin: PluginClient): Promise<boolean> {
    const now = await this.#of.plugins.get(this.#of.name, 'LogDriver').catch(() => null)
    return now === plugin
  }

  async #start(plugin: PluginClient): Promise<Link> {
    const path = `${this.#of.source.directory}/${PIPE}`
    await rm(path, { force: true })
    makeNode(path, { type: 'fifo', mode: 0o700 })
    try {
      // Open for both, so that it opens before there is a reader, and stays when one goes (fifo(7)).
      const pipe = await open(path, constants.O_RDWR | constants.O_NONBLOCK)
      try {
        await plugin.call('LogDriver.StartLogging', { File: path, Info: this.#info() })
        return { path, pipe, plugin }
      } catch (error) {
        await pipe.close()
        throw error
      }
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  /** What a plugin is told of the container. */
  #info(): object {
    const { options, source } = this.#of
    const [entrypoint = '', ...args] = source.argv
    return {
      Config: options,
      ContainerID: source.containerId,
      ContainerName: `/${source.containerName}`,
      ContainerEntrypoint: entrypoint,
      ContainerArgs: args,
      ContainerImageID: source.imageId,
      ContainerImageName: source.imageName,
      ContainerCreated: source.createdAt,
      ContainerEnv: source.env,
      ContainerLabels: source.labels,
      LogPath: '',
      DaemonName: 'docker',
    }
  }
}

/**
 * Tells whether the other side still takes something; the longer it takes nothing, the more seldom it is asked.
 */
class Patience {
  readonly #isAlive: () => Promise<boolean>
  #sinceMs = Date.now()
  #pauseMs = 1

  constructor(isAlive: () => Promise<boolean>) {
    this.#isAlive = isAlive
  }

  /** Something was taken. */
  progress(): void {
    this.#sinceMs = Date.now()
    this.#pauseMs = 1
  }

  /** @throws UnavailableError when it has taken nothing for long, or is gone */
  async wait(): Promise<void> {
    await sleep(this.#pauseMs, null, { ref: false })
    if (this.#pauseMs < LONGEST_PAUSE_MS) {
      this.#pauseMs *= 2
      return
    }
    if (Date.now() - this.#sinceMs > STALLED_MS || !(await this.#isAlive())) {
      throw new UnavailableError('the log plugin reads nothing')
    }
  }
}

/** Writes all, and waits until it was read: what stands in a pipe dies with its reader. */
async function write(pipe: FileHandle, bytes: Buffer, isAlive: () => Promise<boolean>): Promise<void> {
  const patience = new Patience(isAlive)
  for (let at = 0; at < bytes.length;) {
    try {
      const { bytesWritten } = await pipe.write(bytes, at)
      at += bytesWritten
      patience.progress()
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') throw error
      await patience.wait()
    }
  }
  for (let left = unreadBytes(pipe.fd); left > 0;) {
    await patience.wait()
    const now = unreadBytes(pipe.fd)
    if (now < left) patience.progress()
    left = now
  }
}
