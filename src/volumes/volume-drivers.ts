import type { PluginClient, Plugins } from '#plugins/plugins.ts'
import { PluginDriver } from './plugin-driver.ts'
import type { DriverVolume, VolumeDriver } from './volume-driver.ts'

/** The drivers there are: `local`, and the plugins that say `VolumeDriver`. */
export class VolumeDrivers {
  readonly #local: VolumeDriver
  readonly #plugins: Plugins

  constructor(local: VolumeDriver, plugins: Plugins) {
    this.#local = local
    this.#plugins = plugins
  }

  /** @throws NotFoundError `plugin "x" not found`, PluginError */
  async get(name: string): Promise<VolumeDriver> {
    return name === 'local' ? this.#local : await this.plugin(name)
  }

  /** @throws as `get` */
  plugin(name: string): Promise<PluginDriver> {
    return PluginDriver.open(this.#plugins, name)
  }

  /** All plugins that answer, by name. */
  async answering(): Promise<readonly PluginDriver[]> {
    const clients = await this.#plugins.list('VolumeDriver')
    const opened = await Promise.all(
      clients.map((client: PluginClient) => PluginDriver.of(client).catch(() => null)),
    )
    return opened.filter((driver) => driver !== null)
  }

  /** Looks for a volume that no record tells of. */
  async look(name: string): Promise<{ readonly driver: PluginDriver; readonly volume: DriverVolume } | null> {
    for (const driver of await this.answering()) {
      const volume = await driver.look(name)
      if (volume !== null) return { driver, volume }
    }
    return null
  }

  /** The names of those that were used since the start, as `docker info` shows them. */
  known(): readonly string[] {
    return ['local', ...this.#plugins.active('VolumeDriver')]
  }
}
