import type { ImageRecord } from '#images/image-service.ts'
import type { Step } from '../ops/context.ts'
import type { BuildPlatform, BuildState } from '../state.ts'

/** The state that an image gives a stage to begin with. */
export function imageState(image: ImageRecord): BuildState {
  const { config } = image
  return {
    layers: image.layers,
    baseLayers: image.layers.length,
    config: config.config ?? {},
    history: (config.history ?? []).map((entry) => ({
      ...entry,
      created: entry.created ?? config.created ?? '1970-01-01T00:00:00Z',
      created_by: entry.created_by ?? '',
    })),
    author: config.author ?? null,
    commandSet: false,
    args: new Map(),
    imageId: image.id,
    platform: { os: config.os, architecture: config.architecture, variant: config.variant ?? null },
    cached: true,
  }
}

/** The empty state of `FROM scratch`. */
export function scratchState(platform: BuildPlatform): BuildState {
  return {
    layers: [],
    baseLayers: 0,
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    history: [],
    author: null,
    commandSet: false,
    args: new Map(),
    imageId: null,
    platform,
    cached: true,
  }
}

/** FROM: the beginning of a stage, from an image or from the end of an earlier stage. */
export function fromStep(
  text: string,
  at: { readonly stage: number; readonly begin: { readonly state: BuildState } | { readonly step: Step } },
): Step {
  const { begin } = at
  return {
    name: text,
    text,
    stage: at.stage,
    inputs: 'step' in begin ? [begin.step] : [],
    cacheKey: () => Promise.resolve(null),
    recall: () => Promise.resolve(null),
    execute([before]) {
      const state = 'state' in begin ? begin.state : withoutTriggers(before as BuildState)
      const result = { ...state, baseLayers: state.layers.length, args: new Map(), commandSet: false }
      return Promise.resolve({ result, record: null })
    },
  }
}

/** The triggers of a stage are steps of the stage that begins with it, and go no further. */
function withoutTriggers(state: BuildState): BuildState {
  const { OnBuild, ...config } = state.config
  return OnBuild == null || OnBuild.length === 0 ? state : { ...state, config, imageId: null }
}
