import type { Digest } from '#base/digest.ts'
import type { OciImageConfig } from '#spec/oci/image.ts'
import type { BuildState } from '../state.ts'

/** A step of an image of an earlier build. */
export interface DonatedStep {
  /** Null for a step that changed the configuration only. */
  readonly layer: Digest | null
  /** RFC 3339. */
  readonly created: string
}

interface DonorLine {
  readonly text: string
  readonly layer: Digest | null
  readonly created: string
}

/**
 * An image whose steps may stand for those of a build (`--cache-from`), as in Docker's classic builder: as long as
 * its history says what the build does, on the same layers, its layers are what the build would make. Images of
 * BuildKit and of the classic builder say it differently; both are understood.
 */
export class CacheDonor {
  readonly #lines: readonly DonorLine[]

  constructor(config: OciImageConfig) {
    let index = 0
    this.#lines = (config.history ?? []).map((entry) => {
      const isEmpty = entry.empty_layer === true
      const layer = isEmpty ? null : (config.rootfs.diff_ids[index] ?? null)
      if (!isEmpty) index += 1
      const created = entry.created ?? config.created ?? '1970-01-01T00:00:00Z'
      return { text: comparable(entry.created_by ?? ''), layer, created }
    })
  }

  /** The donor's next step after what a state has come to, if it is the one that a line of history describes. */
  next(state: BuildState, line: string): DonatedStep | null {
    const at = state.history.length
    const step = this.#lines[at]
    if (step === undefined || !isSameLine(step.text, comparable(line))) return null
    const before = this.#lines.slice(0, at)
    const isSame = before.every((own, index) =>
      isSameLine(own.text, comparable(state.history[index]?.created_by ?? '')),
    )
    const layers = before.flatMap(({ layer }) => (layer === null ? [] : [layer]))
    if (!isSame || layers.length !== state.layers.length) return null
    if (layers.some((layer, index) => layer !== state.layers[index])) return null
    return { layer: step.layer, created: step.created }
  }
}

const CLASSIC = /^(?:\|\d+ .*? )?\/bin\/sh -c #\(nop\)\s+/

/** A line of history in one form: `RUN …` and the instruction itself, as BuildKit has them. */
function comparable(createdBy: string): string {
  if (CLASSIC.test(createdBy)) return createdBy.replace(CLASSIC, '').trim()
  const line = createdBy.replace(/ # buildkit$/, '').trim()
  const isInstruction =
    /^(RUN|COPY|ADD|WORKDIR|ENV|ARG|LABEL|CMD|ENTRYPOINT|USER|EXPOSE|VOLUME|SHELL|ONBUILD|STOPSIGNAL|HEALTHCHECK|MAINTAINER) /
  return isInstruction.test(line) || createdBy === '' ? line : `RUN ${line}`
}

/** What COPY and ADD took is not in BuildKit's lines, and a digest of its own in classic ones: the files decide. */
function isSameLine(a: string, b: string): boolean {
  if (a === b) return true
  const [one, other] = [a, b].map((line) => /^(?:COPY|ADD) /.exec(line)?.[0])
  return one !== undefined && one === other
}
