/** Builds and their cache. Engine API 1.56. */

export interface BuildInfo {
  readonly id?: string | null
  readonly stream?: string | null
  readonly errorDetail?: ErrorDetail | null
  readonly status?: string | null
  readonly progressDetail?: ProgressDetail | null
  readonly aux?: ImageID | null
}

export interface BuildCache {
  readonly ID?: string | null
  readonly Parents?: readonly string[] | null
  readonly Type?:
    'internal' | 'frontend' | 'source.local' | 'source.git.checkout' | 'exec.cachemount' | 'regular' | null
  readonly Description?: string | null
  readonly InUse?: boolean | null
  readonly Shared?: boolean | null
  readonly Size?: number | null
  readonly CreatedAt?: string | null
  readonly LastUsedAt?: string | null
  readonly UsageCount?: number | null
}

export interface BuildCacheDiskUsage {
  readonly ActiveCount?: number | null
  readonly TotalCount?: number | null
  readonly Reclaimable?: number | null
  readonly TotalSize?: number | null
  readonly Items?: readonly unknown[] | null
}

export interface ImageID {
  readonly ID?: string | null
}

export interface CreateImageInfo {
  readonly id?: string | null
  readonly errorDetail?: ErrorDetail | null
  readonly status?: string | null
  readonly progressDetail?: ProgressDetail | null
}

export interface PushImageInfo {
  readonly errorDetail?: ErrorDetail | null
  readonly status?: string | null
  readonly progressDetail?: ProgressDetail | null
}

export interface ErrorDetail {
  readonly code?: number | null
  readonly message?: string | null
}

/** Wharf's own, beside the message of an error: where in the Dockerfile it comes from. */
export interface BuildErrorSource {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly endLine: number
  /** The lines around, those that are meant marked. */
  readonly excerpt: string
}

/** Reads what claims to be such a source; null for what is none. */
export function readErrorSource(value: unknown): BuildErrorSource | null {
  if (typeof value !== 'object' || value === null) return null
  const { file, line, endLine, excerpt } = value as Record<string, unknown>
  if (typeof file !== 'string' || typeof excerpt !== 'string') return null
  if (typeof line !== 'number' || typeof endLine !== 'number') return null
  return { file, line, endLine, excerpt }
}

export interface ProgressDetail {
  readonly current?: number | null
  readonly total?: number | null
}
