import { parseNs } from '../timestamp.ts'
import type { ContainerRecord } from '../records.ts'

/** The STATUS column of `docker ps`: `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`. */
export function statusText(record: ContainerRecord, nowNs: bigint): string {
  const { state } = record
  const since = (text: string): string => {
    const then = parseNs(text)
    return then === null ? '' : duration(Number(nowNs - then) / 1e9)
  }
  switch (state.status) {
    case 'running':
    case 'paused': {
      const up = `Up ${since(state.startedAt)}`
      if (state.status === 'paused') return `${up} (Paused)`
      if (state.health === null) return up
      return `${up} (${state.health.status === 'starting' ? 'health: starting' : state.health.status})`
    }
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`
    case 'created':
      return 'Created'
    case 'removing':
      return 'Removal In Progress'
    case 'dead':
      return 'Dead'
    case 'exited':
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`
  }
}

/** A length of time in Docker's rough words. */
export function duration(seconds: number): string {
  if (seconds < 1) return 'Less than a second'
  if (seconds < 2) return '1 second'
  if (seconds < 60) return `${Math.floor(seconds)} seconds`
  const minutes = Math.floor(seconds / 60)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.floor(seconds / 3600 + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`
  return `${Math.floor(seconds / 3600 / 24 / 365)} years`
}
