/** Filters of a list request, as the API gives them: each name with the values that were asked for. */
export type Filters = ReadonlyMap<string, readonly string[]>

/** No filter at all. */
export const noFilters: Filters = new Map()
