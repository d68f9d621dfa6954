import type { Duplex } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import type { IdMap } from '#base/id-map.ts'
import type { Archives } from '#images/archive.ts'
import type { Images } from '#images/image-service.ts'
import type { Layers } from '#images/layers/layers.ts'
import type { CommitOptions } from '#images/snapshots.ts'
import type { ImagePushOptions } from '#spec/docker/options.ts'
import type { Logger } from '#base/logger.ts'
import type { BuildCache } from './cache/build-cache.ts'
import type { BuildHistory } from './history/build-history.ts'
import type { CachePolicy } from './cache/gc-policy.ts'
import type { BuildContent, BuildLeases, BuildRoots, StepContainers } from './needs.ts'
import type { MadeLayer } from './ops/context.ts'
import type { BuildPlatform } from './state.ts'

/** What the builder is made of. */
export interface BuilderParts {
  readonly images: Images
  readonly layers: Layers
  readonly archives: Archives
  readonly roots: BuildRoots
  readonly containers: StepContainers
  readonly leases: BuildLeases
  readonly cache: BuildCache
  readonly history: BuildHistory
  readonly content: BuildContent
  /** A directory that is the builder's alone: `cache/` in it stays, `tmp/` is emptied at start. */
  readonly directory: string
  /** A directory for mounts in memory, the builder's alone. */
  readonly secretRoot: string
  readonly hostPlatform: BuildPlatform
  /** The user namespace that commands run in (`userns-remap`); null is the host's. */
  readonly ids: IdMap | null
  /** The bytes of the files in a directory. */
  readonly sizeOf: (path: string) => Promise<number>
  /** What may stay of the cache after a build; none for all of it. */
  readonly policies: readonly CachePolicy[]
  readonly log: Logger
  /** The layers that images name: forgetting a record of one frees nothing. */
  readonly imageLayers: () => ReadonlySet<Digest>
  /** Starts a collection in the background: layers of forgotten records go. */
  readonly collectGarbage: () => void
  /** Stores the one image of an OCI layout, a tar. */
  readonly loadImage: (tar: Duplex, signal: AbortSignal) => Promise<Digest>
  readonly push: (options: ImagePushOptions) => Promise<void>
  /** Stores what one mounted root has and another lacks as a layer. */
  readonly difference: (root: string, base: string, options: CommitOptions) => Promise<MadeLayer>
  /** Takes a name from its image; fine when there is none. */
  readonly forgetImage: (name: string) => Promise<void>
  /** Gives up the image of an intermediate state. */
  readonly discardImage: (id: Digest) => Promise<void>
}
