import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { ContainerConfig, HealthConfig } from '#spec/docker/container-config.ts'
import { parseSignal } from '../signals.ts'

const MS = 1_000_000

/** Checks what a container runs. @throws InvalidArgumentError in Docker's words. */
export function validateConfig(config: ContainerConfig): void {
  const directory = config.WorkingDir ?? ''
  if (directory !== '' && !posix.isAbsolute(directory)) {
    throw new InvalidArgumentError(
      `the working directory '${directory}' is invalid, it needs to be an absolute path`,
    )
  }
  for (const entry of config.Env ?? []) {
    if (entry === '' || entry.startsWith('=')) {
      throw new InvalidArgumentError(`invalid environment variable: ${entry}`)
    }
  }
  if (config.StopSignal) parseSignal(config.StopSignal)
  if ((config.Hostname ?? '').length > 64) {
    throw new InvalidArgumentError(`invalid hostname: ${config.Hostname}: longer than 64 characters`)
  }
  for (const port of Object.keys(config.ExposedPorts ?? {})) parsePort(port)
  for (const destination of Object.keys(config.Volumes ?? {})) {
    if (posix.normalize(destination) === '/') {
      throw new InvalidArgumentError(
        "invalid volume specification: '/': invalid mount config for type \"volume\": invalid specification: destination can't be '/'",
      )
    }
  }
  if (config.Healthcheck) validateHealth(config.Healthcheck)
}

/** A port as `80`, `80/tcp` or a range `80-90/udp`. @throws InvalidArgumentError */
export function parsePort(text: string): {
  readonly first: number
  readonly last: number
  readonly protocol: string
} {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || first > 65535 || last > 65535 || last < first || first < 1) {
    throw new InvalidArgumentError(`invalid port specification: ${JSON.stringify(text)}`)
  }
  return { first, last, protocol: (match[3] ?? 'tcp').toLowerCase() }
}

function validateHealth(health: HealthConfig): void {
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = health[field] ?? 0
    if (value !== 0 && value < MS) {
      throw new InvalidArgumentError(`${field} in Healthcheck cannot be less than 1ms`)
    }
  }
  if ((health.Retries ?? 0) < 0) throw new InvalidArgumentError('Retries in Healthcheck cannot be negative')
}
