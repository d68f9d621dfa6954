import { type Exploration, filesUpTo, sortedChildren } from './exploration.ts'
import type { ExploredFile } from './layer-stack.ts'
import type { Key } from './keys.ts'

/** A line of the list of files. */
export interface FileLine {
  readonly file: ExploredFile
  readonly path: string
  readonly depth: number
  readonly isOpen: boolean
}

/** Which list the keys move in. */
export type Pane = 'layers' | 'files'

/** The state of the explorer: what is selected and what is shown. Knows nothing of terminals. */
export class Explorer {
  readonly explored: Exploration
  pane: Pane = 'layers'
  layer = 0
  /** The line of the files that is selected. */
  line = 0
  /** Only what the layer changed, or all files up to it. */
  onlyChanges = true
  /** The list of wasted files in place of the layer's. */
  showsWasted = false
  #closed = new Set<string>()
  #lines: readonly FileLine[] | null = null
  #root: { readonly layer: number; readonly file: ExploredFile } | null = null

  constructor(explored: Exploration) {
    this.explored = explored
    this.layer = Math.max(0, explored.layers.length - 1)
    this.#closeBelow(2)
  }

  /** The files that are shown. */
  get lines(): readonly FileLine[] {
    this.#lines ??= this.#visible(this.#files(), '', 0)
    return this.#lines
  }

  /** How many lines the list on the right has. */
  get lineCount(): number {
    return this.showsWasted ? this.explored.wasted.length : this.lines.length
  }

  /**
   * Does what a key says.
   * @param page how many lines the screen shows
   * @returns false when the user wants to leave
   */
  press(key: Key, page: number): boolean {
    if (typeof key === 'object') {
      this.#letter(key.letter)
      return true
    }
    switch (key) {
      case 'quit':
        return false
      case 'tab':
        this.pane = this.pane === 'layers' ? 'files' : 'layers'
        return true
      case 'up':
        this.#move(-1)
        return true
      case 'down':
        this.#move(1)
        return true
      case 'page-up':
        this.#move(-page)
        return true
      case 'page-down':
        this.#move(page)
        return true
      case 'home':
        this.#move(-Infinity)
        return true
      case 'end':
        this.#move(Infinity)
        return true
      case 'left':
        this.#left()
        return true
      case 'right':
        if (this.pane === 'layers') this.pane = 'files'
        else this.#setOpen(true)
        return true
      case 'toggle':
        if (this.pane === 'layers') this.pane = 'files'
        else this.#setOpen(null)
        return true
    }
  }

  #letter(letter: string): void {
    if (letter === 'a') this.onlyChanges = !this.onlyChanges
    else if (letter === 'w') this.showsWasted = !this.showsWasted
    else if (letter === 'o') this.#closed.clear()
    else if (letter === 'c') this.#closeBelow(0)
    else return
    this.line = 0
    this.#lines = null
  }

  #move(by: number): void {
    if (this.pane === 'layers') {
      const layer = clamp(this.layer + by, this.explored.layers.length)
      if (layer === this.layer) return
      this.layer = layer
      this.line = 0
      this.#lines = null
      this.#closeBelow(2)
    } else {
      this.line = clamp(this.line + by, this.lineCount)
    }
  }

  /** Closes the directory, goes to the one above, or back to the layers. */
  #left(): void {
    const at = this.showsWasted ? undefined : this.lines[this.line]
    if (this.pane === 'layers') return
    if (at === undefined || (at.depth === 0 && !at.isOpen)) {
      this.pane = 'layers'
    } else if (at.isOpen) {
      this.#setOpen(false)
    } else {
      const above = this.lines.slice(0, this.line).findLastIndex(({ depth }) => depth < at.depth)
      this.line = Math.max(0, above)
    }
  }

  #setOpen(open: boolean | null): void {
    const at = this.showsWasted ? undefined : this.lines[this.line]
    if (at === undefined || at.file.children === null) return
    if (open ?? !at.isOpen) this.#closed.delete(at.path)
    else this.#closed.add(at.path)
    this.#lines = null
  }

  /** Closes every directory so many steps below the root and deeper. */
  #closeBelow(depth: number): void {
    this.#closed = new Set()
    const visit = (file: ExploredFile, path: string, left: number): void => {
      for (const child of file.children?.values() ?? []) {
        if (child.children === null) continue
        const childPath = `${path}/${child.name}`
        if (left <= 0) this.#closed.add(childPath)
        visit(child, childPath, left - 1)
      }
    }
    visit(this.#files(), '', depth)
  }

  #files(): ExploredFile {
    if (this.#root?.layer !== this.layer)
      this.#root = { layer: this.layer, file: filesUpTo(this.explored, this.layer) }
    return this.#root.file
  }

  #visible(file: ExploredFile, path: string, depth: number): FileLine[] {
    const lines: FileLine[] = []
    for (const child of sortedChildren(file)) {
      if (this.onlyChanges && child.change === 'none') continue
      const childPath = `${path}/${child.name}`
      const isOpen = child.children !== null && !this.#closed.has(childPath)
      lines.push({ file: child, path: childPath, depth, isOpen })
      if (isOpen) for (const line of this.#visible(child, childPath, depth + 1)) lines.push(line)
    }
    return lines
  }
}

function clamp(value: number, count: number): number {
  return Math.max(0, Math.min(count - 1, value))
}
