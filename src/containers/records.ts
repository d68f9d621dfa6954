import type { Digest } from '#base/digest.ts'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import type { MountRecord } from './create/mount-record.ts'
import type { ContainerStatus } from './state.ts'

/** What is fixed when a container is made, and changes only by `rename`, `update` and `network connect`. */
export interface ContainerDefinition {
  readonly id: string
  /** Without the slash. */
  readonly name: string
  /** RFC 3339 with nanoseconds. */
  readonly createdAt: string
  /** The image as the user named it. */
  readonly image: string
  readonly imageId: Digest
  /** The process: entrypoint and command joined. */
  readonly path: string
  readonly args: readonly string[]
  /** Merged with the image's. */
  readonly config: ContainerConfig
  readonly hostConfig: HostConfig
  /** What was asked for of each network, by the name the user gave. */
  readonly endpoints: Readonly<Record<string, EndpointSettings>>
  readonly mounts: readonly MountRecord[]
  /** Legacy links: other names of containers, alias by container id. */
  readonly links: readonly LinkRecord[]
  /** Config.MacAddress of clients older than API 1.44. */
  readonly macAddress: string | null
  /** The snapshot driver when the container was made. */
  readonly driver: string
}

export interface LinkRecord {
  readonly containerId: string
  readonly alias: string
}

/** A container as it is written down: definition, state, and counters of its restart policy. */
export interface ContainerRecord extends ContainerDefinition {
  readonly state: ContainerStatus
  readonly restartCount: number
  /** The user stopped it: `unless-stopped` and `always` leave it alone (until the daemon starts again, for `always`). */
  readonly stoppedByUser: boolean
  /** `LogPath` of inspect; empty for drivers without a file. */
  readonly logPath: string
}
