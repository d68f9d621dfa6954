import type { Mount } from '#spec/docker/host-config.ts'

/** How mounts travel between the container and the host; mount_namespaces(7). */
export type Propagation = 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave'

interface MountBase {
  /** Absolute and clean, in the container. */
  readonly destination: string
  readonly readOnly: boolean
  /** The option text of the user, for `Mounts[].Mode` of inspect. */
  readonly mode: string
  readonly consistency?: string
}

/** One mount of a container, decided when the container was made. */
export type MountRecord =
  | (MountBase & {
      readonly type: 'bind'
      readonly source: string
      readonly propagation: Propagation
      /** The propagation is nobody's wish: where the host shares no mounts there is nothing to follow. */
      readonly followsHost?: true
      readonly recursive: boolean
      /** What read-only reaches: submounts too when the kernel can, by force, or the top only. */
      readonly readOnlyDepth: 'best' | 'force' | 'top'
      /** Makes the source when it is missing (`-v`, `bind-create-src`). */
      readonly createSource: boolean
    })
  | (MountBase & {
      readonly type: 'volume'
      readonly name: string
      /** Where its files are, for inspect; a driver may make them there only while it is mounted. */
      readonly source: string
      readonly driver: string
      readonly subpath: string
      /** Fill an empty volume with what the image has there. */
      readonly copyUp: boolean
      /** Made for this container without a name: goes with it (`rm -v`, `--rm`). */
      readonly anonymous: boolean
    })
  | (MountBase & { readonly type: 'tmpfs'; readonly options: readonly string[] })
  | (MountBase & {
      readonly type: 'image'
      readonly image: string
      readonly imageId: string
      readonly subpath: string
    })

/** The parts of a HostConfig.Mounts entry that a parser of it hands on. */
export type MountSpec = Mount
