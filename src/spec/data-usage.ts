/** What takes space below the data root; `GET /wharf/data-usage`, Wharf's own. */

export type DataKind =
  | 'layer'
  | 'compressed layer'
  | 'stacked layers'
  | 'container'
  | 'log'
  | 'container files'
  | 'volume'
  | 'build cache'
  | 'broken download'
  | 'database'
  | 'daemon'
  | 'temporary'
  | 'orphan'

/** One thing that takes space. */
export interface DataUsageItem {
  readonly Kind: DataKind
  /** A digest, a container's or a volume's name, a file's name. */
  readonly Name: string
  /** Whom it is for, e.g. names of images; '' when the name says it. */
  readonly For: string
  /** From the data root. */
  readonly Path: string
  /** Blocks of the file system, as du(1) counts. */
  readonly Size: number
  readonly Files: number
}

export interface DataUsage {
  readonly Root: string
  /** The sum of all items. */
  readonly Size: number
  readonly Items: readonly DataUsageItem[]
}
