import type { Digest } from '#base/digest.ts'
import type { ImageConfig } from '#spec/docker/container-config.ts'

/** One line of an image's history (OCI image-spec, config.md). */
export interface HistoryEntry {
  /** RFC 3339. */
  readonly created: string
  readonly created_by: string
  readonly comment?: string
  readonly author?: string
  readonly empty_layer?: boolean
}

/** What a stage has come to after a step: an image in the making. Immutable; every step makes a new one. */
export interface BuildState {
  /** Diff ids, bottom first. */
  readonly layers: readonly Digest[]
  /** How many of the layers were there when the stage began. */
  readonly baseLayers: number
  readonly config: ImageConfig
  readonly history: readonly HistoryEntry[]
  readonly author: string | null
  /** Whether CMD was set in this stage: an ENTRYPOINT after the base image's CMD clears it. */
  readonly commandSet: boolean
  /** What ARG has declared so far in this stage. */
  readonly args: ReadonlyMap<string, string>
  readonly platform: BuildPlatform
  /** The image that this state is, until a step changes it. */
  readonly imageId: Digest | null
  /** True while every step up to here came out of the cache: what the next step's output says. */
  readonly cached: boolean
}

/** OCI platform words. */
export interface BuildPlatform {
  readonly os: string
  readonly architecture: string
  readonly variant: string | null
}

/** `linux/arm64/v8`. */
export function platformText(platform: BuildPlatform): string {
  const variant = platform.variant === null ? '' : `/${platform.variant}`
  return `${platform.os}/${platform.architecture}${variant}`
}

/** The environment of a state as a map; later entries win. */
export function environment(config: ImageConfig): Map<string, string> {
  const env = new Map<string, string>()
  for (const entry of config.Env ?? []) {
    const equals = entry.indexOf('=')
    env.set(equals < 0 ? entry : entry.slice(0, equals), equals < 0 ? '' : entry.slice(equals + 1))
  }
  return env
}
