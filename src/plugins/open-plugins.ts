import type { Logger } from '#base/logger.ts'
import { NotFoundError, messageOf } from '#errors/errors.ts'
import { ActivePlugin, SILENT_MS } from './active-plugin.ts'
import type { PluginAddress } from './plugin-address.ts'
import { PLUGIN_DIRECTORIES, findPlugin, pluginNames, socketIdentity } from './plugin-files.ts'
import type { PluginDirectories } from './plugin-files.ts'
import { PluginError } from './plugin-error.ts'
import type { PluginCapability, PluginClient, Plugins } from './plugins.ts'

export interface PluginsDependencies {
  readonly logger: Logger
  readonly directories?: PluginDirectories
  /** How long a plugin that cannot be connected to is tried again. */
  readonly retryMs?: number
  /** The first pause between two attempts; each next one is twice as long. */
  readonly pauseMs?: number
}

/** For those that are only listed: who is asked for by name has more time. */
const LIST_MS = 5_000

/** Finds plugins when they are asked for; keeps nothing on disk. */
export function openPlugins(dependencies: PluginsDependencies): Plugins {
  return new LegacyPlugins(dependencies)
}

interface Activation {
  /** Of the socket it was activated on. */
  readonly address: PluginAddress
  readonly identity: string | null
  readonly client: ActivePlugin
  readonly plugin: Promise<ActivePlugin>
}

class LegacyPlugins implements Plugins {
  readonly #logger: Logger
  readonly #directories: PluginDirectories
  readonly #retryMs: number
  readonly #pauseMs: number
  readonly #active = new Map<string, Activation>()
  /** Sockets whose handshake was waited for in vain, and until when lists leave them out. */
  readonly #silent = new Map<string, { readonly identity: string | null; readonly untilMs: number }>()

  constructor({ logger, directories, retryMs, pauseMs }: PluginsDependencies) {
    this.#logger = logger
    this.#directories = directories ?? PLUGIN_DIRECTORIES
    this.#retryMs = retryMs ?? 30_000
    this.#pauseMs = pauseMs ?? 1_000
  }

  async get(name: string, capability: PluginCapability): Promise<PluginClient> {
    const plugin = await this.#activated(name, true)
    if (!plugin.capabilities.includes(capability)) {
      throw new PluginError(
        `legacy plugin: Plugin does not implement the requested driver: plugin=${JSON.stringify(name)}, requested implementation=${JSON.stringify(capability)}`,
        { plugin: name, method: 'Plugin.Activate' },
      )
    }
    return plugin
  }

  async list(capability: PluginCapability): Promise<readonly PluginClient[]> {
    const asked = await Promise.all(
      pluginNames(this.#directories).map(async (name) => {
        if (this.#isSilent(name)) return null
        try {
          return await this.#activated(name, false)
        } catch (error) {
          this.#logger.warn('activate a plugin', { plugin: name, error: messageOf(error) })
          return null
        }
      }),
    )
    return asked.filter((plugin) => plugin?.capabilities.includes(capability) === true) as PluginClient[]
  }

  active(capability: PluginCapability): readonly string[] {
    return [...this.#active]
      .filter(([, { client }]) => client.capabilities.includes(capability))
      .map(([name]) => name)
      .sort()
  }

  #activated(name: string, patient: boolean): Promise<ActivePlugin> {
    const known = this.#active.get(name)
    if (known !== undefined) {
      if (socketIdentity(known.address) === known.identity) return known.plugin
      this.#active.delete(name)
    }
    const address = findPlugin(name, this.#directories)
    if (address === null) throw new NotFoundError(`plugin ${JSON.stringify(name)} not found`)
    return this.#activate(name, address, patient)
  }

  #isSilent(name: string): boolean {
    const silent = this.#silent.get(name)
    if (silent === undefined) return false
    if (
      Date.now() < silent.untilMs &&
      !this.#active.has(name) &&
      silent.identity === this.#identityOf(name)
    ) {
      return true
    }
    this.#silent.delete(name)
    return false
  }

  #identityOf(name: string): string | null {
    const address = findPlugin(name, this.#directories)
    return address === null ? null : socketIdentity(address)
  }

  #activate(name: string, address: PluginAddress, patient: boolean): Promise<ActivePlugin> {
    const forget = (): void => {
      if (this.#active.get(name) === activation) this.#active.delete(name)
    }
    const plugin = new ActivePlugin({
      name,
      address,
      logger: this.#logger,
      retryMs: this.#retryMs,
      pauseMs: this.#pauseMs,
      onLost: forget,
    })
    const activated = plugin.activate(patient ? {} : { retry: false, timeoutMs: LIST_MS }).then(() => plugin)
    const activation = { address, identity: socketIdentity(address), client: plugin, plugin: activated }
    // What somebody only lists must not fail who asks for it by name meanwhile: kept once it has answered.
    if (patient) this.#active.set(name, activation)
    activated.then(
      () => this.#active.set(name, this.#active.get(name) ?? activation),
      () => {
        forget()
        this.#silent.set(name, { identity: activation.identity, untilMs: Date.now() + SILENT_MS })
      },
    )
    return activated
  }
}
