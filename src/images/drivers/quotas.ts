import { InvalidArgumentError } from '#errors/errors.ts'
import type { SnapshotPlace } from './driver.ts'

/** Limits on what one snapshot may write: `--storage-opt size=10G`. */
export interface Quotas {
  /** Sets the limit that the options ask for, if any. @throws InvalidArgumentError in Docker's words where it cannot. */
  apply(place: SnapshotPlace): void
  /** Takes the limit back. Idempotent. */
  forget(place: SnapshotPlace): void
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
}

/** The size that storage options ask for in bytes, or null. @throws InvalidArgumentError in Docker's words. */
export function requestedSize(options: Readonly<Record<string, string>>): number | null {
  let sizeBytes: number | null = null
  for (const [key, value] of Object.entries(options)) {
    if (key.toLowerCase() !== 'size') throw new InvalidArgumentError(`unknown option ${key}`)
    const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?(?:i?b)?$/i.exec(value)
    if (match === null) throw new InvalidArgumentError(`invalid size: '${value}'`)
    sizeBytes = Math.floor(Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] as number))
  }
  return sizeBytes
}

/** For file systems without quotas of this kind: any size is refused. */
export function refuseQuotas(reason: string): Quotas {
  return {
    apply: (place) => {
      if (requestedSize(place.storageOptions) !== null) throw new InvalidArgumentError(reason)
    },
    forget: () => {},
  }
}
