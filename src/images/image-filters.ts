import { matchesGlob } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { Filters } from '#spec/docker/filters.ts'
import { parseMomentMs } from '#spec/docker/timestamp.ts'
import { familiarName, familiarString, type Reference } from '#spec/reference.ts'
import { resolveImage } from './image-resolver.ts'
import type { ImageRecord } from './image-service.ts'
import type { ImageStore } from './image-store.ts'

const LIST_FILTERS = ['dangling', 'label', 'before', 'since', 'reference', 'until', 'label!']
const PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until']

/** What a list or a prune of images lets through. */
export interface ImageFilter {
  /** True: only images without a tag; false: only images with a name; null: both. */
  readonly dangling: boolean | null
  /** Labels, creation time, before and since; not names. */
  accepts(image: ImageRecord): boolean
  /** Whether the name passes `reference`; null when that was not asked for. */
  readonly acceptsName: ((reference: Reference) => boolean) | null
}

/** @throws InvalidArgumentError `invalid filter 'x'`; NotFoundError for an image that `before` or `since` names. */
export function listFilter(filters: Filters, store: ImageStore): ImageFilter {
  return imageFilter(filters, { known: LIST_FILTERS, store })
}

/** Prune filters; `dangling` is true unless said otherwise. */
export function pruneFilter(filters: Filters, store: ImageStore): ImageFilter {
  const filter = imageFilter(filters, { known: PRUNE_FILTERS, store })
  return { ...filter, dangling: filter.dangling ?? true }
}

/** Milliseconds since the epoch at which an image was made; images that do not say are as old as can be. */
export function createdMs(image: ImageRecord): number {
  const moment = image.created === null ? NaN : Date.parse(image.created)
  return Number.isNaN(moment) ? -62_135_596_800_000 : moment
}

function imageFilter(
  filters: Filters,
  context: { readonly known: readonly string[]; readonly store: ImageStore },
): ImageFilter {
  for (const name of filters.keys()) {
    if (!context.known.includes(name)) throw new InvalidArgumentError(`invalid filter '${name}'`)
  }
  const nowMs = Date.now()
  const boundsMs = (name: string): number[] =>
    (filters.get(name) ?? []).map((value) => createdMs(resolveImage(context.store, value)))
  const beforeMs = Math.min(
    ...boundsMs('before'),
    ...(filters.get('until') ?? []).map((text) => parseMomentMs(text, nowMs)),
  )
  const sinceMs = Math.max(...boundsMs('since'), -Infinity)
  const labels = filters.get('label') ?? []
  const notLabels = filters.get('label!') ?? []
  const patterns = filters.get('reference') ?? []
  return {
    dangling: danglingOf(filters),
    acceptsName:
      patterns.length === 0 ? null : (name) => patterns.some((pattern) => matchesName(pattern, name)),
    accepts(image) {
      const created = createdMs(image)
      if (created >= beforeMs || created <= sinceMs) return false
      const own = image.config.config?.Labels ?? {}
      return labels.every((label) => hasLabel(own, label)) && !notLabels.some((label) => hasLabel(own, label))
    },
  }
}

function danglingOf(filters: Filters): boolean | null {
  const values = filters.get('dangling')
  if (values === undefined) return null
  const wanted = new Set(values.map((value) => booleans.get(value)))
  if (wanted.size !== 1 || wanted.has(undefined)) {
    throw new InvalidArgumentError(`invalid filter 'dangling=[${values.join(' ')}]'`)
  }
  return [...wanted][0] as boolean
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'true', 't', 'True', 'TRUE', 'T'].map((text) => [text, true] as const),
  ...['0', 'false', 'f', 'False', 'FALSE', 'F'].map((text) => [text, false] as const),
])

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  if (equals === -1) return Object.hasOwn(labels, wanted)
  const name = wanted.slice(0, equals)
  return Object.hasOwn(labels, name) && labels[name] === wanted.slice(equals + 1)
}

/** Docker's FamiliarMatch: the pattern is compared with the name as it is printed, with and without its tag. */
function matchesName(pattern: string, reference: Reference): boolean {
  return [familiarString(reference), familiarName(reference)].some((name) => matchesGlob(name, pattern))
}
