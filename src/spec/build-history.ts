/**
 * Past builds as Wharf's own `GET /build/history` and `GET /build/history/{id}` tell them (docs/dev/builder.md,
 * "Past builds").
 */

/** How a build ended. */
export type BuildEnd = 'success' | 'error' | 'cancelled'

/** A past build, as the list has it. */
export interface PastBuild {
  /** 64 hexadecimal characters. */
  readonly ID: string
  /** RFC 3339. */
  readonly StartedAt: string
  readonly DurationMs: number
  readonly Dockerfile: string
  /** The stage that was asked for; '' is the last. */
  readonly Target: string
  readonly Tags: readonly string[]
  readonly Platforms: readonly string[]
  readonly Result: BuildEnd
  /** What went wrong; '' for success. */
  readonly Error: string
  /** The image, where the result is one; else ''. */
  readonly ImageID: string
  readonly StepCount: number
  readonly CachedCount: number
}

/**
 * Why a step was taken from the cache or was not: `cached`; `base`, which is looked up in every build; `unasked`
 * (`--no-cache`); `first`, nothing earlier to compare with; `instruction`, `files`, `settings` or `before` (the step
 * before it) changed; `unfinished`, the earlier build did not come to its end; `forgotten`, its record was pruned;
 * `gone`, its layer is.
 */
export type StepReason =
  | 'cached'
  | 'base'
  | 'unasked'
  | 'first'
  | 'instruction'
  | 'files'
  | 'settings'
  | 'before'
  | 'unfinished'
  | 'forgotten'
  | 'gone'

/** A step of a past build. */
export interface PastStep {
  /** As the progress of the build named it: `[build 2/4] RUN make`. */
  readonly Name: string
  readonly Platform: string
  readonly Cached: boolean
  readonly DurationMs: number
  /** '' unless the step failed. */
  readonly Error: string
  readonly Reason: StepReason
  /** The reason in words. */
  readonly Explanation: string
}

/** A past build with all that is known of it. */
export interface PastBuildDetails extends PastBuild {
  readonly Steps: readonly PastStep[]
  /** What its commands wrote, step by step: the last 256 KiB. */
  readonly Log: string
}
