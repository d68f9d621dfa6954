import type { LayerFile } from '#spec/image-layers.ts'

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'

/** What the layer at hand does to a file. A directory is `within` when only what is in it changes. */
export type Change = 'added' | 'changed' | 'removed' | 'within' | 'none'

/** A file of the image as the layers up to one show it; what that layer removed is still there, marked. */
export interface ExploredFile {
  readonly name: string
  type: LayerFile['type']
  sizeBytes: number
  mode: number
  uid: number
  gid: number
  link: string
  /** The layer that brought it, lowest 0. */
  layer: number
  change: Change
  /** By name; null for what is no directory. */
  children: Map<string, ExploredFile> | null
}

/** A path whose bytes are in the image though nobody can see them. */
export interface HiddenPath {
  readonly path: string
  /** How many layers hold bytes of it that a later one hides. */
  times: number
  sizeBytes: number
}

/** What one layer does. */
export interface LayerFigures {
  added: number
  changed: number
  removed: number
  /** Bytes of lower layers that this one hides. */
  hidesBytes: number
}

/**
 * Lays layers one on the other as an engine does (image-spec, layer.md): the last entry of a name wins, directories
 * merge, whiteouts hide what lower layers have.
 */
export class LayerStack {
  readonly root: ExploredFile = directory('', 0)
  /** One for each layer that was added. */
  readonly figures: LayerFigures[] = []
  readonly hidden = new Map<string, HiddenPath>()
  #layer = -1

  /** Adds the next layer. */
  add(files: readonly LayerFile[]): void {
    settle(this.root)
    this.#layer += 1
    this.figures.push({ added: 0, changed: 0, removed: 0, hidesBytes: 0 })
    for (const file of files) this.#addFile(file)
    this.#count(this.root)
  }

  #addFile(file: LayerFile): void {
    const names = file.path.split('/')
    const name = names.pop() as string
    if (name === '') return
    const parent = this.#directory(names)
    const children = parent.children as Map<string, ExploredFile>
    if (name === OPAQUE) {
      for (const child of children.values()) this.#remove(child, join(names, child.name))
    } else if (name.startsWith(WHITEOUT)) {
      const hidden = children.get(name.slice(WHITEOUT.length))
      if (hidden !== undefined) this.#remove(hidden, join(names, hidden.name))
    } else {
      this.#put(children, { ...file, name }, names)
    }
  }

  #put(
    children: Map<string, ExploredFile>,
    file: LayerFile & { readonly name: string },
    names: readonly string[],
  ): void {
    const { name, type, sizeBytes, mode, uid, gid, link } = file
    const existing = children.get(name)
    const about = { name, type, sizeBytes, mode, uid, gid, link, layer: this.#layer }
    if (existing === undefined) {
      children.set(name, {
        ...about,
        change: 'added',
        children: type === 'directory' ? new Map() : null,
      })
      return
    }
    if (type === 'directory' && existing.children !== null) {
      const isSame = existing.mode === mode && existing.uid === uid && existing.gid === gid
      if (existing.change === 'removed' || !isSame) existing.change = 'changed'
      Object.assign(existing, about)
      return
    }
    if (existing.layer < this.#layer && existing.change !== 'removed') this.#hide(existing, join(names, name))
    const change = existing.change === 'added' ? 'added' : 'changed'
    children.set(name, { ...about, change, children: type === 'directory' ? new Map() : null })
  }

  #directory(names: readonly string[]): ExploredFile {
    let at = this.root
    for (const name of names) {
      const children = (at.children ??= new Map<string, ExploredFile>())
      let next = children.get(name)
      if (next === undefined) {
        next = { ...directory(name, this.#layer), change: 'added' }
        children.set(name, next)
      }
      next.children ??= new Map()
      at = next
    }
    return at
  }

  /** Hides what lower layers have of a file; what this layer itself has stays. */
  #remove(file: ExploredFile, path: string): void {
    if (file.layer === this.#layer && file.change !== 'removed') {
      for (const child of file.children?.values() ?? []) this.#remove(child, `${path}/${child.name}`)
      return
    }
    if (file.change === 'removed') return
    this.#hide(file, path)
    this.#mark(file)
  }

  #mark(file: ExploredFile): void {
    file.change = 'removed'
    for (const child of file.children?.values() ?? []) {
      if (child.layer < this.#layer) this.#mark(child)
    }
  }

  /** Counts the bytes that nobody sees any more. */
  #hide(file: ExploredFile, path: string): void {
    for (const child of file.children?.values() ?? []) {
      if (child.layer < this.#layer && child.change !== 'removed') this.#hide(child, `${path}/${child.name}`)
    }
    if (file.sizeBytes === 0 || file.children !== null) return
    const known = this.hidden.get(path) ?? { path, times: 0, sizeBytes: 0 }
    known.times += 1
    known.sizeBytes += file.sizeBytes
    this.hidden.set(path, known)
    ;(this.figures.at(-1) as LayerFigures).hidesBytes += file.sizeBytes
  }

  /** Counts what changed and marks the directories above it. */
  #count(file: ExploredFile): boolean {
    let isTouched = file.change !== 'none'
    const figures = this.figures.at(-1) as LayerFigures
    if (file.change === 'added' || file.change === 'changed' || file.change === 'removed')
      figures[file.change] += 1
    for (const child of file.children?.values() ?? []) if (this.#count(child)) isTouched = true
    if (isTouched && file.change === 'none') file.change = 'within'
    return isTouched
  }
}

/** Takes away what the last layer removed, and all marks. */
function settle(file: ExploredFile): void {
  file.change = 'none'
  if (file.children === null) return
  for (const [name, child] of file.children) {
    if (child.change === 'removed') file.children.delete(name)
    else settle(child)
  }
}

function directory(name: string, layer: number): ExploredFile {
  return {
    name,
    type: 'directory',
    sizeBytes: 0,
    mode: 0o755,
    uid: 0,
    gid: 0,
    link: '',
    layer,
    change: 'none',
    children: new Map(),
  }
}

const join = (names: readonly string[], name: string): string => [...names, name].join('/')
