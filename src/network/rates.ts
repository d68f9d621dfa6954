import { InvalidArgumentError } from '#errors/errors.ts'
import type { TokenBucket } from '#kernel/netlink/traffic-control.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'

/** The names of the limits: as an option of an endpoint, or as a label of the container for all its endpoints. */
export const RATE_UP = 'wharf.network.rate.up'
export const RATE_DOWN = 'wharf.network.rate.down'

/** How fast a container may send and receive by one endpoint, in bytes a second; null: as fast as it goes. */
export interface Rates {
  readonly up: number | null
  readonly down: number | null
}

const UNITS: Readonly<Record<string, number>> = {
  bit: 1 / 8, kbit: 1e3 / 8, mbit: 1e6 / 8, gbit: 1e9 / 8, tbit: 1e12 / 8,
  bps: 1, kbps: 1e3, mbps: 1e6, gbps: 1e9, tbps: 1e12,
} // prettier-ignore

/** Reads a rate as tc(8) writes them: `10mbit` are bits, `1mbps` are bytes a second. @throws InvalidArgumentError. */
export function parseRate(text: string, name: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-z]+)$/i.exec(text.trim())
  const unit = UNITS[match?.[2]?.toLowerCase() ?? '']
  const bytes = Number(match?.[1]) * (unit ?? NaN)
  if (!(bytes >= MIN_BYTES && bytes <= MAX_BYTES)) {
    throw new InvalidArgumentError(
      `invalid value for ${name}: "${text}": give a rate from 8kbit to 1tbit, such as 512kbit, 10mbit, 1.5gbit or 20mbps (bytes)`,
    )
  }
  return Math.floor(bytes)
}

const MIN_BYTES = 1000
const MAX_BYTES = 125e9

/** The limits of an endpoint: its own options before the container's labels; null when there are none. @throws InvalidArgumentError. */
export function endpointRates(
  settings: EndpointSettings,
  labels: Readonly<Record<string, string>>,
): Rates | null {
  const read = (name: string): number | null => {
    const text = settings.DriverOpts?.[name] ?? labels[name] ?? ''
    return text === '' ? null : parseRate(text, name)
  }
  const rates = { up: read(RATE_UP), down: read(RATE_DOWN) }
  return rates.up === null && rates.down === null ? null : rates
}

/** A bucket that keeps a rate: bursts of 10 ms, at least a few large packets; a queue of 100 ms behind it. */
export function bucketFor(bytesPerSecond: number): TokenBucket {
  const burstBytes = Math.min(Math.max(Math.ceil(bytesPerSecond / 100), 32 * 1024), 0x7fffffff)
  return { bytesPerSecond, burstBytes, queueBytes: burstBytes + Math.ceil(bytesPerSecond / 10) }
}
