import { shortId } from '#base/ids.ts'
import type { ImageManifestSummary, ImageSummary } from '#spec/docker/image.ts'
import { humanSize } from '../format/units.ts'

interface Line {
  readonly name: string
  readonly id: string
  readonly size: string
  readonly content: string
  readonly used: boolean
}

/** Images as a tree: one line an image, below it one for each platform that is here. */
export function renderImageTree(images: readonly ImageSummary[], { bold }: { bold: boolean }): string {
  const lines = images.flatMap(imageLines)
  const width = Math.max(20, ...lines.map(({ name }) => [...name].length)) + 3
  const strong = (text: string) => (bold ? `\x1b[1m${text}\x1b[0m` : text)
  const head = `${'IMAGE'.padEnd(width)}${'ID'.padEnd(15)}${'DISK USAGE'.padStart(12)}${'CONTENT SIZE'.padStart(15)}   USED`
  const body = lines.map(({ name, id, size, content, used }) => {
    const text = name + ' '.repeat(width - [...name].length)
    const isTop = !/^[├└ ]/.test(name)
    return `${isTop ? strong(text) : text}${id.padEnd(15)}${size.padStart(12)}${content.padStart(15)}   ${used ? ' ✔' : ''}`.trimEnd()
  })
  return `${[head, ...body].join('\n')}\n`
}

function imageLines(image: ImageSummary): Line[] {
  const names = (image.RepoTags ?? []).filter((name) => name !== '<none>:<none>')
  const kept = (image.Manifests ?? []).filter(({ Kind }) => Kind === 'image')
  const used =
    image.Containers > 0 || kept.some((manifest) => (manifest.ImageData?.Containers ?? []).length > 0)
  const content = kept.reduce((sum, manifest) => sum + manifest.Size.Content, 0)
  const about = {
    id: shortId(image.Id),
    size: humanSize(image.Size, 3),
    content: content === 0 ? '' : humanSize(content, 3),
    used,
  }
  const tops = (names.length === 0 ? ['<untagged>'] : names).map((name) => ({ name, ...about }))
  return [...tops, ...kept.map((manifest, at) => platformLine(manifest, at === kept.length - 1))]
}

function platformLine(manifest: ImageManifestSummary, isLast: boolean): Line {
  const { os = 'unknown', architecture = '', variant } = manifest.ImageData?.Platform ?? {}
  const platform = [os, architecture, variant]
    .filter((part) => part !== undefined && part !== null && part !== '')
    .join('/')
  return {
    name: `${isLast ? '└─' : '├─'} ${platform}`,
    id: shortId(manifest.ID),
    size: manifest.Available ? humanSize(manifest.Size.Total, 3) : '0B',
    content: humanSize(manifest.Size.Content, 3),
    used: (manifest.ImageData?.Containers ?? []).length > 0,
  }
}
