import { CACHE_TABLES } from './cache/build-cache.ts'
import { HISTORY_TABLES } from './history/build-history.ts'

/** The tables of the builder. */
export const builderSchema = { area: 'builder', migrations: [CACHE_TABLES, HISTORY_TABLES] } as const
