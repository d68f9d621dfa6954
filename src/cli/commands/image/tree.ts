import { shortId } from '#base/ids.ts'
import type { ImageInspect } from '#spec/docker/image.ts'
import { command } from '../../core/command.ts'
import { bool } from '../../core/flag.ts'
import { humanSize } from '../../format/units.ts'

interface Branch {
  readonly images: ImageInspect[]
  readonly children: Map<string, Branch>
}

const branch = (): Branch => ({ images: [], children: new Map() })

export default command({
  usage: '[REPOSITORY[:TAG]]',
  long: 'Images stand below the ones whose layers they build on, so what is shared is seen at once.',
  args: { min: 0, max: 1 },
  flags: { json: bool('Print the tree as JSON') },
  async run(context, { args: [repository], flags }) {
    const { images } = await context.client()
    const summaries = await images.list(
      repository === undefined ? {} : { filters: new Map([['reference', [repository]]]) },
    )
    const root = branch()
    for (const found of await Promise.all(summaries.map(({ Id }) => images.inspect(Id)))) {
      let at = root
      for (const layer of found.RootFS?.Layers ?? []) {
        let next = at.children.get(layer)
        if (next === undefined) at.children.set(layer, (next = branch()))
        at = next
      }
      at.images.push(found)
    }
    if (flags.json) {
      context.out.line(JSON.stringify(treeJson(root), null, 4))
      return
    }
    const lines: string[] = []
    for (const child of root.children.values())
      draw(child, { layers: 1, indent: '', isLast: true, isTop: true, lines })
    for (const image of root.images) lines.push(label(image, 0))
    context.out.write(lines.length === 0 ? '' : `${lines.join('\n')}\n`)
  },
})

/** A stack of layers, the images that end with it, and the stacks that build on it. */
function treeJson(at: Branch, layers: readonly string[] = []): object {
  const [only, ...others] = at.children
  if (at.images.length === 0 && only !== undefined && others.length === 0)
    return treeJson(only[1], [...layers, only[0]])
  return {
    Layers: layers,
    Images: at.images.map(({ Id, RepoTags, Size }) => ({ Id, RepoTags: RepoTags ?? [], Size })),
    Children: [...at.children].map(([layer, child]) => treeJson(child, [layer])),
  }
}

interface Place {
  readonly layers: number
  readonly indent: string
  readonly isLast: boolean
  readonly isTop: boolean
  readonly lines: string[]
}

/** Draws a branch; layers that belong to no image and do not fork are only counted. */
function draw(at: Branch, { layers, indent, isLast, isTop, lines }: Place): void {
  const only = [...at.children.values()]
  if (at.images.length === 0 && only.length === 1)
    return draw(only[0] as Branch, { layers: layers + 1, indent, isLast, isTop, lines })
  const stem = isTop ? '' : `${indent}${isLast ? '└─ ' : '├─ '}`
  if (at.images.length === 0) lines.push(`${stem}(${layers} shared layer${layers === 1 ? '' : 's'})`)
  at.images.forEach((image, index) =>
    lines.push(
      `${index === 0 ? stem : isTop ? '' : `${indent}${isLast ? '   ' : '│  '}`}${label(image, layers)}`,
    ),
  )
  const inner = isTop ? '' : `${indent}${isLast ? '   ' : '│  '}`
  only.forEach((child, index) =>
    draw(child, { layers: 1, indent: inner, isLast: index === only.length - 1, isTop: false, lines }),
  )
}

function label(image: ImageInspect, layers: number): string {
  const names = (image.RepoTags ?? []).join(', ') || '<none>'
  return `${names}  ${shortId(image.Id ?? '')}  ${humanSize(image.Size ?? 0, 3)}  +${layers} layer${layers === 1 ? '' : 's'}`
}
