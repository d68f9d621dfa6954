import { humanSize } from '../format/units.ts'
import type { Explorer, FileLine } from './explorer.ts'
import type { Change } from './layer-stack.ts'
import { headline } from './summary.ts'

export interface ScreenSize {
  readonly rows: number
  readonly columns: number
}

const MARKS: Readonly<Record<Change, string>> = {
  added: '+',
  changed: '~',
  removed: '-',
  within: ' ',
  none: ' ',
}
/** SGR colours: green, yellow, red. */
const COLOURS: Readonly<Partial<Record<Change, number>>> = { added: 32, changed: 33, removed: 31 }
const TYPE_LETTERS: Readonly<Record<string, string>> = {
  directory: 'd',
  symlink: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
}
const KEYS =
  'arrows move  tab other list  space open/close  a all files  w wasted  o/c open/close all  q quit'

/** How many lines the lists have on a screen. */
export const listRows = ({ rows }: ScreenSize): number => Math.max(1, rows - 4)

/** The screen as lines, none longer than it is wide. */
export function drawExplorer(
  explorer: Explorer,
  { size, colours }: { readonly size: ScreenSize; readonly colours: boolean },
): string[] {
  const height = listRows(size)
  const left = Math.min(60, Math.max(24, Math.floor(size.columns * 0.4)))
  const right = Math.max(10, size.columns - left - 3)
  const layers = layerLines(explorer, left)
  const files = explorer.showsWasted ? wastedLines(explorer) : fileLines(explorer, colours)
  const layerAt = windowStart(explorer.layer, height, layers.length)
  const fileAt = windowStart(explorer.line, height, files.length)
  const body = Array.from({ length: height }, (_, row) => {
    const layer = layers[layerAt + row] ?? { text: '', colour: null }
    const file = files[fileAt + row] ?? { text: '', colour: null }
    const first = paint(layer, { width: left, colours, mark: mark(explorer, 'layers', layerAt + row) })
    const second = paint(file, { width: right, colours, mark: mark(explorer, 'files', fileAt + row) })
    return `${first} │ ${second}`
  })
  const title = explorer.showsWasted
    ? 'WASTED  in a layer, hidden by a later one'
    : `${explorer.onlyChanges ? 'CHANGES of' : 'FILES up to'} layer ${explorer.layer + 1}`
  return [
    fit(headline(explorer.explored), size.columns),
    `${fit('LAYER     SIZE  CREATED BY', left)} │ ${fit(title, right)}`,
    ...body,
    fit(detail(explorer), size.columns),
    fit(KEYS, size.columns),
  ]
}

interface Line {
  readonly text: string
  /** An SGR colour. */
  readonly colour: number | null
}

function layerLines(explorer: Explorer, width: number): Line[] {
  return explorer.explored.layers.map(({ number, Size, CreatedBy }) => {
    const by = CreatedBy.replaceAll(/\s+/g, ' ').replace(/^\/bin\/sh -c (#\(nop\) )?/, '')
    const text = `${String(number).padStart(5)} ${humanSize(Size, 3).padStart(8)}  ${by}`
    return { text: text.slice(0, width), colour: null }
  })
}

function fileLines(explorer: Explorer, colours: boolean): Line[] {
  return explorer.lines.map((line) => ({
    text: fileText(line),
    colour: colours ? (COLOURS[line.file.change] ?? null) : null,
  }))
}

function fileText({ file, depth, isOpen }: FileLine): string {
  const permissions = (TYPE_LETTERS[file.type] ?? '-') + file.mode.toString(8).padStart(4, '0')
  const size = file.children === null ? humanSize(file.sizeBytes, 3) : ''
  const fold = file.children === null ? ' ' : isOpen ? '▾' : '▸'
  const link =
    file.type === 'symlink' ? ` -> ${file.link}` : file.type === 'hardlink' ? ` = /${file.link}` : ''
  return `${MARKS[file.change]} ${permissions} ${size.padStart(7)} ${'  '.repeat(depth)}${fold} ${file.name}${link}`
}

function wastedLines(explorer: Explorer): Line[] {
  return explorer.explored.wasted.map(({ path, times, sizeBytes }) => ({
    text: `${humanSize(sizeBytes, 3).padStart(8)}  ${times}×  /${path}`,
    colour: null,
  }))
}

/** The line below the lists: all of what is selected. */
function detail(explorer: Explorer): string {
  if (explorer.pane === 'files' && !explorer.showsWasted) {
    const line = explorer.lines[explorer.line]
    if (line !== undefined)
      return `${line.path}  ${line.file.uid}:${line.file.gid}  from layer ${line.file.layer + 1}`
  }
  const layer = explorer.explored.layers[explorer.layer]
  if (layer === undefined) return 'no layers'
  return `layer ${layer.number}: ${layer.added} added, ${layer.changed} changed, ${layer.removed} removed, hides ${humanSize(layer.hidesBytes, 3)}`
}

function mark(explorer: Explorer, pane: 'layers' | 'files', index: number): 'selected' | 'kept' | null {
  const at = pane === 'layers' ? explorer.layer : explorer.line
  if (index !== at) return null
  return explorer.pane === pane ? 'selected' : pane === 'layers' ? 'kept' : null
}

function paint(
  line: Line,
  options: { width: number; colours: boolean; mark: 'selected' | 'kept' | null },
): string {
  const text = fit(line.text, options.width)
  if (options.mark === 'selected') return `\x1b[7m${text}\x1b[0m`
  if (options.mark === 'kept') return `\x1b[1m${text}\x1b[0m`
  return line.colour === null ? text : `\x1b[${line.colour}m${text}\x1b[0m`
}

/** Cut or filled to a width; what would move the cursor is shown as a dot. */
function fit(text: string, width: number): string {
  const plain = [...text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '·')]
  if (plain.length > width) return `${plain.slice(0, Math.max(0, width - 1)).join('')}…`
  return plain.join('') + ' '.repeat(width - plain.length)
}

/** The first line that is shown, so that the selected one is in sight. */
function windowStart(selected: number, height: number, count: number): number {
  return Math.max(0, Math.min(selected - Math.floor(height / 2), count - height))
}
