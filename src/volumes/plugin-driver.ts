import { posix } from 'node:path'
import { messageOf } from '#errors/errors.ts'
import { recordField, recordsField, textField } from '#plugins/answer-fields.ts'
import { PluginError, PluginUnreachableError } from '#plugins/plugin-error.ts'
import type { PluginAnswer, PluginCallOptions, PluginClient, Plugins } from '#plugins/plugins.ts'
import type { DriverVolume, VolumeDriver } from './volume-driver.ts'

/** Docker's times: what a plugin does to files may take longer than what it only says. */
const SLOW_MS = 120_000
const QUICK_MS = 60_000
/** For those who did not name a plugin, and wait for it all the same. */
const LOOK_MS = 5_000

/**
 * Volumes of a plugin ("Docker volume plugins", `VolumeDriver.*`). The plugin is asked for each time, so that one that was started
 * anew is found.
 */
export class PluginDriver implements VolumeDriver {
  readonly name: string
  readonly scope: 'local' | 'global'
  readonly #client: PluginClient

  private constructor(client: PluginClient, scope: 'local' | 'global') {
    this.name = client.name
    this.scope = scope
    this.#client = client
  }

  /** Asks who it is. @throws as `Plugins.get` */
  static async open(plugins: Plugins, name: string): Promise<PluginDriver> {
    return await PluginDriver.of(await plugins.get(name, 'VolumeDriver'))
  }

  /** A plugin without `VolumeDriver.Capabilities` is one of before Docker 1.12: its scope is local. */
  static async of(client: PluginClient): Promise<PluginDriver> {
    try {
      const said = await client.call(
        'VolumeDriver.Capabilities',
        {},
        { retry: false, skipsSilent: true, timeoutMs: LOOK_MS },
      )
      const capabilities = recordField(said, 'Capabilities') ?? {}
      const scope = textField(capabilities, 'Scope').toLowerCase()
      return new PluginDriver(client, scope === 'global' ? 'global' : 'local')
    } catch (error) {
      if (error instanceof PluginUnreachableError) throw error
      return new PluginDriver(client, 'local')
    }
  }

  check(): void {
    // Names and options are the plugin's to judge.
  }

  async create(name: string, options: Readonly<Record<string, string>>): Promise<void> {
    const Opts = Object.keys(options).length === 0 ? null : options
    await this.#client.call('VolumeDriver.Create', { Name: name, Opts }, { timeoutMs: SLOW_MS })
  }

  mountpoint(): string {
    return ''
  }

  /**
   * Null when the plugin says that it does not have it, in whatever words.
   * @throws PluginUnreachableError when it cannot be asked
   */
  async find(
    name: string,
    options: PluginCallOptions = { timeoutMs: QUICK_MS },
  ): Promise<DriverVolume | null> {
    try {
      const said = await this.#client.call('VolumeDriver.Get', { Name: name }, options)
      const volume = recordField(said, 'Volume')
      return volume === null ? null : volumeOf({ Name: name, ...volume })
    } catch (error) {
      if (error instanceof PluginUnreachableError || !(error instanceof PluginError)) throw error
      return null
    }
  }

  /** As `find`, for one who looks everywhere: a plugin that does not answer at once has none. */
  async look(name: string): Promise<DriverVolume | null> {
    return await this.find(name, { retry: false, skipsSilent: true, timeoutMs: LOOK_MS }).catch(() => null)
  }

  async list(): Promise<readonly DriverVolume[]> {
    const said = await this.#client.call(
      'VolumeDriver.List',
      {},
      {
        retry: false,
        skipsSilent: true,
        timeoutMs: LOOK_MS,
      },
    )
    return this.#read('VolumeDriver.List', () => recordsField(said, 'Volumes').map(volumeOf))
  }

  async mount({ name }: { readonly name: string }, id: string): Promise<string> {
    let path: string
    try {
      const said = await this.#client.call(
        'VolumeDriver.Mount',
        { Name: name, ID: id },
        { timeoutMs: SLOW_MS },
      )
      path = this.#read('VolumeDriver.Mount', () => textField(said, 'Mountpoint'))
    } catch (error) {
      if (!(error instanceof PluginError)) throw error
      throw this.#error('VolumeDriver.Mount', `error while mounting volume '': ${error.message}`, error)
    }
    if (!posix.isAbsolute(path)) {
      const said = `plugin ${JSON.stringify(this.name)} gave ${JSON.stringify(path)} for its place`
      throw this.#error('VolumeDriver.Mount', `error while mounting volume '${name}': ${said}`)
    }
    return path
  }

  async unmount(name: string, { id }: { readonly id: string }): Promise<void> {
    await this.#client.call('VolumeDriver.Unmount', { Name: name, ID: id }, { timeoutMs: QUICK_MS })
  }

  async remove(name: string): Promise<void> {
    await this.#client.call('VolumeDriver.Remove', { Name: name }, { timeoutMs: QUICK_MS })
  }

  #read<T>(method: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.#error(
        method,
        `${method}: plugin ${JSON.stringify(this.name)} answered ${messageOf(error)}`,
        error,
      )
    }
  }

  #error(method: string, message: string, cause?: unknown): PluginError {
    return new PluginError(message, { plugin: this.name, method, cause })
  }
}

/** @throws TypeError when a field is of another type */
function volumeOf(said: PluginAnswer): DriverVolume {
  const createdAt = textField(said, 'CreatedAt')
  return {
    name: textField(said, 'Name'),
    mountpoint: textField(said, 'Mountpoint'),
    createdAt: /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(createdAt) ? createdAt : '',
    status: recordField(said, 'Status'),
  }
}
