import type { Readable } from 'node:stream'
import type { Digest } from '#base/digest.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { OciDescriptor } from '#spec/oci/image.ts'

/** What the builder needs of the areas beside and below it; `daemon/compose.ts` gives it. */

/** A command of a build, run as a container is. */
export interface StepCommand {
  /** The image in the making: layers, and the configuration that the command runs with. */
  readonly image: Digest
  readonly argv: readonly string[]
  readonly env: readonly string[]
  readonly user: string
  readonly workdir: string
  readonly hostConfig: HostConfig
  readonly labels: Readonly<Record<string, string>>
  /** Leaves the container when the command succeeded (`--rm=false`). */
  readonly keep: boolean
}

/** Told while a command runs. */
export interface StepListener {
  /** The container exists: its id. */
  created(id: string): void
  output(stream: 'stdout' | 'stderr', bytes: Uint8Array): void
  /** The container is gone, its changes kept. */
  removed(id: string): void
}

/** How a command ended. Disposing removes its container. */
export interface StepOutcome extends AsyncDisposable {
  readonly containerId: string
  readonly exitCode: number
  /** Stores what the command changed as a layer. */
  commit(options: {
    readonly signal: AbortSignal
    /** No file's time is later; null leaves them. */
    readonly latestSeconds: number | null
  }): Promise<{ readonly diffId: Digest; readonly sizeBytes: number }>
}

/** Runs commands: the containers area, behind an interface. */
export interface StepContainers {
  /** Runs to the end; when the signal aborts, the command is killed, its container removed, the reason thrown. */
  run(command: StepCommand, listener: StepListener, signal: AbortSignal): Promise<StepOutcome>
}

/** Mounted root file systems for looking and copying; disposing gives one back. */
export interface BuildRoots {
  /** @param options.mapped to be mounted into a command's container, in its user namespace if it has one */
  mount(
    layers: readonly Digest[],
    options?: { readonly mapped?: boolean },
  ): Promise<{ readonly root: string } & AsyncDisposable>
}

/** Keeps layers and images of a running build from garbage collection until it is disposed of. */
export interface BuildLeases {
  take(description: string): Promise<BuildLease>
}

export interface BuildLease extends AsyncDisposable {
  /** Durable when it resolves. */
  hold(layers: readonly Digest[]): Promise<void>
}

/** The bytes of layers as registries and archives carry them. */
export interface BuildContent {
  /** The compressed form of a layer, made if there is none. Call under `hold`. */
  blob(diffId: Digest, signal: AbortSignal): Promise<OciDescriptor>
  /** The bytes of such a form. */
  read(digest: Digest): Readable
  /** Keeps all content until it is disposed of. */
  hold(): Disposable
}
