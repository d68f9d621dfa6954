/** What Wharf tells of the layers of an image beside Docker's API. */

/** One layer, of `GET /wharf/images/{name}/layers`, which gives them lowest first. */
export interface ImageLayer {
  readonly DiffID: string
  /** The bytes of its files. */
  readonly Size: number
  /** What made it, as in the image's history; '' when the history does not say. */
  readonly CreatedBy: string
  /** RFC 3339, or null. */
  readonly Created: string | null
  readonly Comment: string
}

/** One entry of a layer, as `GET /wharf/images/{name}/files?layer=N` tells it, one JSON object a line. */
export interface LayerFile {
  /** Beneath the root, without a leading slash, `''` for the root itself; whiteouts are named `.wh.…` as in the layer. */
  readonly path: string
  readonly type: 'file' | 'hardlink' | 'symlink' | 'char' | 'block' | 'directory' | 'fifo'
  readonly sizeBytes: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** What a link names; '' for other files. */
  readonly link: string
}
