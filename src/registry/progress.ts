import { shortId } from '#base/ids.ts'
import type { Digest } from '#base/digest.ts'
import type { ProgressSink } from '#spec/docker/options.ts'

/** How often the figures of one line may change, as dockerd. */
const INTERVAL_MS = 100

/** One line of a progress display: what Docker's clients show beside a layer's short id. */
export interface ProgressLine {
  /** Says what happens now. */
  status(text: string): void
  /** Says how far it is; calls that come too fast are dropped, the last (`current === total`) never. */
  figures(text: string, figures: { readonly current: number; readonly total: number }): void
}

/** The line of a layer. */
export function progressLine(sink: ProgressSink, digest: Digest): ProgressLine {
  const id = shortId(digest)
  let last = -Infinity
  return {
    status: (status) => sink({ status, progressDetail: {}, id }),
    figures(status, { current, total }) {
      const now = performance.now()
      if (now - last < INTERVAL_MS && current < total) return
      last = now
      sink({ status, progressDetail: { current, total }, id })
    },
  }
}
