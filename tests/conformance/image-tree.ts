import { createHash, type Hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import type { TarEntry } from '#images/layers/tar-entry.ts'
import { TarParser } from '#images/layers/tar-parser.ts'

/** A file of an image; names that are hard links share one. */
interface Node {
  readonly entry: TarEntry
  digest: string
}

type Tree = Map<string, Node>

export interface SavedImage {
  /** What the image says of itself: `config` of its configuration. */
  readonly config: Readonly<Record<string, unknown>>
  /** One line for each file, sorted by path. */
  readonly tree: readonly string[]
}

interface Item {
  readonly Config: string
  readonly RepoTags: readonly string[]
  readonly Layers: readonly string[]
}

/** Reads all images of a `docker save` archive, by name: layers are laid over each other as the image specification says. */
export function readSavedImages(file: string): ReadonlyMap<string, SavedImage> {
  const blobs = readArchive(file)
  const json = (name: string): unknown => JSON.parse(blobs.get(name)!.toString())
  const layers = new Map<string, Tree>()
  const images = new Map<string, SavedImage>()
  for (const { Config, RepoTags, Layers } of json('manifest.json') as readonly Item[]) {
    const tree: Tree = new Map()
    for (const name of Layers) {
      const layer = layers.get(name) ?? readLayer(blobs.get(name)!)
      layers.set(name, layer)
      lay(layer, tree)
    }
    const { config } = json(Config) as { config: Readonly<Record<string, unknown>> }
    for (const tag of RepoTags) images.set(tag, { config, tree: told(tree) })
  }
  return images
}

function readArchive(file: string): ReadonlyMap<string, Buffer> {
  const chunks = new Map<string, Buffer[]>()
  let open: Buffer[] = []
  const parser = new TarParser({
    entry: ({ name }) => chunks.set(name, (open = [])),
    data: (chunk) => open.push(Buffer.from(chunk)),
  })
  const descriptor = openSync(file, 'r')
  const piece = Buffer.alloc(1 << 20)
  for (let read; (read = readSync(descriptor, piece)) > 0;) parser.push(piece.subarray(0, read))
  closeSync(descriptor)
  parser.finish()
  return new Map([...chunks].map(([name, parts]) => [name, Buffer.concat(parts)]))
}

function readLayer(bytes: Buffer): Tree {
  const layer: Tree = new Map()
  let hash: Hash = createHash('sha256')
  let node: Node | null = null
  const parser = new TarParser({
    entry: (entry) => {
      hash = createHash('sha256')
      node = { entry, digest: '' }
      layer.set(pathOf(entry.name), node)
    },
    data: (chunk) => hash.update(chunk),
    hole: (sizeBytes) => hash.update(Buffer.alloc(sizeBytes)),
    entryEnd: () => {
      if (node !== null) node.digest = hash.digest('hex').slice(0, 12)
    },
  })
  parser.push(bytes)
  parser.finish()
  return layer
}

/** Lays a layer over a tree: what its whiteouts name goes first, then its files come. */
function lay(layer: Tree, tree: Tree): void {
  const removeBelow = (path: string): void => {
    for (const other of tree.keys()) if (other.startsWith(`${path}/`)) tree.delete(other)
  }
  for (const path of layer.keys()) {
    const [, parent, name] = /^(.*)\/\.wh\.(.*)$/.exec(path) ?? []
    if (parent === undefined) continue
    if (name !== '.wh..opq') tree.delete(`${parent}/${name}`)
    removeBelow(name === '.wh..opq' ? parent : `${parent}/${name}`)
  }
  for (const [path, node] of layer) {
    if (path.includes('/.wh.')) continue
    if (node.entry.type !== 'directory') removeBelow(path)
    // The order of a map is that of the first setting; hard links come after what they link to.
    tree.set(path, node.entry.type === 'hardlink' ? tree.get(pathOf(node.entry.linkName))! : node)
  }
}

function pathOf(name: string): string {
  const path = Buffer.from(name, 'latin1').toString()
  return `/${path.replace(/^(\.?\/)+|^\.$/, '').replace(/\/+$/, '')}`
}

function told(tree: Tree): readonly string[] {
  const first = new Map<Node, string>()
  return [...tree.keys()].toSorted().map((path) => {
    const node = tree.get(path)!
    const same = first.get(node)
    if (same !== undefined) return `${path} is ${same}`
    first.set(node, path)
    return `${path} ${toldNode(node)}`
  })
}

function toldNode({ entry, digest }: Node): string {
  const { type, mode, uid, gid } = entry
  const xattrs = [...(entry.xattrs ?? [])]
    .map(([name, value]) => ` ${name}=${value.toString('hex')}`)
    .join('')
  const owned = `${type} ${(mode & 0o7777).toString(8)} ${uid}:${gid}${xattrs}`
  if (type === 'file') return `${owned} ${entry.sizeBytes} ${digest}`
  if (type === 'symlink') return `${type} ${uid}:${gid} -> ${entry.linkName}`
  if (type === 'char' || type === 'block') return `${owned} ${entry.devMajor},${entry.devMinor}`
  return owned
}
