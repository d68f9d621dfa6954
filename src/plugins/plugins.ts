import type { Readable } from 'node:stream'

/** What a plugin says that it can do, in answer to `/Plugin.Activate`. */
export type PluginCapability = 'VolumeDriver' | 'NetworkDriver' | 'IpamDriver' | 'LogDriver' | 'authz'

/** A plugin's answer: a JSON object. Nothing in it was checked; take fields with the readers of `answer-fields.ts`. */
export type PluginAnswer = Readonly<Record<string, unknown>>

export interface PluginCallOptions {
  readonly signal?: AbortSignal
  /** For the whole answer, of each attempt. */
  readonly timeoutMs?: number
  /** False: a plugin that cannot be connected to is not waited for. */
  readonly retry?: boolean
  /** True: a plugin that lately did not answer in time is not asked, for those who only look around. */
  readonly skipsSilent?: boolean
}

/** A plugin that has said what it can do. Calls may run at the same time. */
export interface PluginClient {
  readonly name: string
  /** All that it implements, as it said, e.g. `VolumeDriver`. */
  readonly capabilities: readonly string[]
  /**
   * One call, e.g. `VolumeDriver.Create`. While the plugin cannot be connected to, it is tried again with growing pauses, for
   * half a minute at most, as Docker does: a plugin in a container needs time to start.
   * @throws PluginError when the plugin says `Err`, fails, or answers nonsense; PluginUnreachableError when it cannot be reached in time;
   * the reason of the signal when it aborts
   */
  call<T extends object = PluginAnswer>(method: string, body: object, options?: PluginCallOptions): Promise<T>
  /**
   * A call whose answer is bytes without end. The time limit is for the head of the answer only. Destroy the stream when done.
   * @throws as `call`
   */
  stream(method: string, body: object, options?: PluginCallOptions): Promise<Readable>
}

/**
 * Plugins by Docker's legacy protocol ("Docker Plugin API"): programs of the host that leave a socket or a file with an address in
 * well-known directories. They are activated when first asked for, and forgotten when their socket is gone or another.
 */
export interface Plugins {
  /**
   * The plugin of this name.
   * @throws NotFoundError `plugin "x" not found`; PluginError when it is of another kind; else as `PluginClient.call`
   */
  get(name: string, capability: PluginCapability): Promise<PluginClient>
  /** All plugins of a kind, by name. Those that do not answer at once are left out, and logged. */
  list(capability: PluginCapability): Promise<readonly PluginClient[]>
  /** The names of those of a kind that were activated and not forgotten since, sorted. */
  active(capability: PluginCapability): readonly string[]
}
