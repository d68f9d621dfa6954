import { shortId } from '#base/ids.ts'
import type { ImageSummary } from '#spec/docker/image.ts'
import { ago, goTime, humanSize } from '../format/units.ts'
import { Row } from '../template/row.ts'

/** The names of the columns of a list of images. */
export const imageHeaders: Readonly<Record<string, string>> = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  VirtualSize: 'SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
}

/** One name of an image: a list shows an image once for each. */
export interface ImageName {
  readonly repository: string
  readonly tag: string
  readonly digest: string
}

const NONE = '<none>'

/** The lines that an image takes in a list. With digests, each digest of a repository has a line. */
export function imageNames(image: ImageSummary, { digests }: { digests: boolean }): ImageName[] {
  const tags = new Map<string, string[]>()
  const sums = new Map<string, string[]>()
  for (const name of image.RepoTags ?? []) {
    if (name === '<none>:<none>') continue
    const colon = name.lastIndexOf(':')
    push(tags, name.slice(0, colon), name.slice(colon + 1))
  }
  for (const name of image.RepoDigests ?? []) {
    if (name === '<none>@<none>') continue
    const at = name.lastIndexOf('@')
    push(sums, name.slice(0, at), name.slice(at + 1))
  }
  const names: ImageName[] = []
  for (const [repository, list] of tags) {
    const own = sums.get(repository) ?? []
    sums.delete(repository)
    for (const tag of list) {
      if (!digests || own.length === 0) names.push({ repository, tag, digest: NONE })
      else for (const digest of own) names.push({ repository, tag, digest })
    }
  }
  // A digest without a tag of the same repository still says where the image came from.
  for (const [repository, list] of sums) {
    if (!digests) names.push({ repository, tag: NONE, digest: NONE })
    else for (const digest of list) names.push({ repository, tag: NONE, digest })
  }
  return names.length === 0 ? [{ repository: NONE, tag: NONE, digest: NONE }] : names
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** A line of a list of images. */
export function imageRow(
  image: ImageSummary,
  { name, truncate }: { name: ImageName; truncate: boolean },
): Row {
  const known = (size: number | undefined) => (size === undefined || size < 0 ? 'N/A' : humanSize(size))
  return new Row('formatter.ImageContext', {
    ID: truncate ? shortId(image.Id) : image.Id,
    Repository: name.repository,
    Tag: name.tag,
    Digest: name.digest,
    CreatedSince: () => (image.Created <= 0 ? 'N/A' : ago(image.Created * 1000)),
    CreatedAt: () => goTime(image.Created * 1000),
    Size: () => humanSize(image.Size, 3),
    Containers: () => (image.Containers < 0 ? 'N/A' : String(image.Containers)),
    VirtualSize: () => humanSize(image.Size),
    SharedSize: () => known(image.SharedSize),
    UniqueSize: () => (image.SharedSize < 0 ? 'N/A' : humanSize(image.Size - image.SharedSize)),
  })
}
