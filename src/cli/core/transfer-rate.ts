import { humanSize } from '../format/units.ts'

/** A rate over less time than this says nothing. */
const SETTLED_MS = 1000

/** How fast transfers go, each from when it was first told of, and how long they will still take. */
export class TransferRates {
  readonly #now: () => number
  readonly #first = new Map<string, { readonly atMs: number; readonly bytes: number }>()

  /** @param now milliseconds of a clock that only goes forward */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** `  12.3MB/s  8s`; '' in the first second and when nothing moves. `totalBytes` 0 is unknown. */
  text(transfer: string, { bytes, totalBytes }: { bytes: number; totalBytes: number }): string {
    const now = this.#now()
    const first = this.#first.get(transfer)
    if (first === undefined || bytes < first.bytes) {
      this.#first.set(transfer, { atMs: now, bytes })
      return ''
    }
    const elapsedMs = now - first.atMs
    const bytesPerSecond = ((bytes - first.bytes) / elapsedMs) * 1000
    if (elapsedMs < SETTLED_MS || bytesPerSecond <= 0) return ''
    const leftSeconds = (totalBytes - bytes) / bytesPerSecond
    return `  ${humanSize(bytesPerSecond, 3)}/s${leftSeconds > 0 ? `  ${duration(leftSeconds)}` : ''}`
  }
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`
  return `${Math.floor(whole / 3600)}h${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`
}
