import { digestOf, type Digest } from '#base/digest.ts'
import type { OciImageConfig } from '#spec/oci/image.ts'
import type { BuildState } from './state.ts'

/** The OCI configuration of the image that a state would be. */
export function imageConfigOf(state: BuildState): OciImageConfig {
  const { platform, history, config, layers, author } = state
  const created = history.at(-1)?.created
  return {
    architecture: platform.architecture,
    os: platform.os,
    ...(platform.variant === null ? {} : { variant: platform.variant }),
    ...(created === undefined ? {} : { created }),
    ...(author === null ? {} : { author }),
    config,
    rootfs: { type: 'layers', diff_ids: layers },
    history,
  }
}

/** A name for a state in output: the id of its image, without making one. */
export function stateId(state: BuildState): Digest {
  return state.imageId ?? digestOf(JSON.stringify(imageConfigOf(state)))
}
