import { mkdirSync } from 'node:fs'
import { TestPlugin } from './plugin.ts'

/** Where daemons look for sockets of plugins. Tests run in a mount namespace of their own; names must differ all the same. */
export const PLUGIN_SOCKETS = '/run/docker/plugins'

/** The volumes of a plugin outlive its process: a file system, and who has mounted what. */
export class VolumeDisk {
  readonly directory: string
  readonly volumes = new Map<string, Record<string, unknown>>()
  /** Who has it mounted, by name. */
  readonly mounts = new Map<string, Set<string>>()
  /** What it answers instead, by method. */
  readonly refusals = new Map<string, string>()
  scope = 'local'

  constructor(directory: string) {
    this.directory = directory
    mkdirSync(directory, { recursive: true })
  }

  /** Starts a process of the plugin. */
  start(name: string, sockets: string = PLUGIN_SOCKETS): Promise<TestPlugin> {
    return TestPlugin.start(sockets, {
      name,
      implements: ['VolumeDriver'],
      handle: ({ method, body }) => {
        const refusal = this.refusals.get(method)
        if (refusal !== undefined) return { Err: refusal }
        return this.#answer(method, body)
      },
    })
  }

  isMounted(name: string): boolean {
    return (this.mounts.get(name)?.size ?? 0) > 0
  }

  #answer(method: string, body: Record<string, any>): object {
    const name = String(body['Name'] ?? '')
    const path = `${this.directory}/${name}`
    const users = this.mounts.get(name) ?? new Set<string>()
    switch (method) {
      case 'VolumeDriver.Capabilities':
        return { Capabilities: { Scope: this.scope } }
      case 'VolumeDriver.Create':
        this.volumes.set(name, { Name: name, Status: { options: body['Opts'] ?? {} } })
        mkdirSync(path, { recursive: true })
        return {}
      case 'VolumeDriver.Get':
        return this.volumes.has(name) ? { Volume: this.volumes.get(name) } : { Err: 'no such volume' }
      case 'VolumeDriver.List':
        return { Volumes: [...this.volumes.values()] }
      case 'VolumeDriver.Path':
        return { Mountpoint: path }
      case 'VolumeDriver.Mount':
        this.mounts.set(name, users.add(String(body['ID'])))
        return { Mountpoint: path }
      case 'VolumeDriver.Unmount':
        return users.delete(String(body['ID'])) ? {} : { Err: `${name} is not mounted for ${body['ID']}` }
      case 'VolumeDriver.Remove':
        return this.volumes.delete(name) ? {} : { Err: 'no such volume' }
      default:
        return {}
    }
  }
}
