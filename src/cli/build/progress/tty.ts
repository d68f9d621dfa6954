import type { Sink } from '../../core/progress.ts'
import { type BuildView, secondsOf, type ShownStep } from './build-view.ts'
import type { BuildRenderer } from './renderer.ts'

const REDRAW_MS = 100
const LOG_LINES = 6
const BLUE = '\x1b[34m'
const RED = '\x1b[31m'
const DIM = '\x1b[2m'
const PLAIN = '\x1b[0m'

/** The size of the terminal, asked at each redraw. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/**
 * The steps of a build on a terminal, drawn again as they go: one line for each with its time, below running ones the end of
 * their output. Steps that are done collapse to their line; when there are more than rows, the oldest of these leave.
 */
export class TtyRenderer implements BuildRenderer {
  readonly #out: Sink
  readonly #view: BuildView
  readonly #size: () => TerminalSize
  readonly #startedMs = Date.now()
  readonly #timer: NodeJS.Timeout
  #drawn = 0

  constructor(out: Sink, options: { readonly view: BuildView; readonly size: () => TerminalSize }) {
    this.#out = out
    this.#view = options.view
    this.#size = options.size
    this.#timer = setInterval(() => this.#draw(false), REDRAW_MS)
  }

  show(): void {
    // The timer draws: a build that says much is not slowed down by its terminal.
  }

  end(): void {
    clearInterval(this.#timer)
    this.#draw(true)
  }

  #draw(isFinal: boolean): void {
    const size = this.#size()
    const lines = frame(this.#view.steps, {
      ...size,
      isFinal,
      seconds: (Date.now() - this.#startedMs) / 1000,
    })
    const up = this.#drawn > 0 ? `\x1b[${String(this.#drawn)}A` : ''
    // Each line is cleared to its end; below the last one everything is.
    this.#out.write(`\x1b[?25l${up}${lines.map((line) => `\r${line}\x1b[K\n`).join('')}\x1b[J\x1b[?25h`)
    this.#drawn = lines.length
  }
}

/** One picture of a build. */
export function frame(
  steps: readonly ShownStep[],
  at: TerminalSize & { readonly isFinal: boolean; readonly seconds: number },
): readonly string[] {
  const done = steps.filter(({ vertex }) => vertex.completedMs !== null).length
  const state = at.isFinal && done === steps.length ? ' FINISHED' : ''
  const head = `[+] Building ${at.seconds.toFixed(1)}s (${String(done)}/${String(steps.length)})${state}`
  const blocks = steps.map((step) => blockOf(step, at))
  const room = at.isFinal ? Number.POSITIVE_INFINITY : Math.max(1, at.rows - 2)
  let used = blocks.reduce((sum, block) => sum + block.length, 0)
  const shown = blocks.filter((block, index) => {
    const isOver = steps[index]?.vertex.completedMs !== null
    if (used <= room || !isOver) return true
    used -= block.length
    return false
  })
  return [head, ...shown.flat().slice(-room)]
}

function blockOf(
  step: ShownStep,
  at: { readonly columns: number; readonly isFinal: boolean },
): readonly string[] {
  const { vertex, lines } = step
  const isOver = vertex.completedMs !== null
  const time = `${secondsOf(step).toFixed(1)}s`
  const mark = vertex.cached ? 'CACHED ' : vertex.error === '' ? '' : 'ERROR '
  const label = fit(` => ${mark}${vertex.name}`, Math.max(1, at.columns - time.length - 2))
  const gap = ' '.repeat(Math.max(1, at.columns - label.length - time.length - 1))
  const color = vertex.error !== '' ? RED : isOver ? BLUE : ''
  const line = `${color}${label}${gap}${time}${color === '' ? '' : PLAIN}`
  if (isOver || at.isFinal) return [line]
  return [
    line,
    ...lines.slice(-LOG_LINES).map((text) => `${DIM}${fit(` => => # ${text}`, at.columns - 1)}${PLAIN}`),
  ]
}

/** Cuts a text to the columns; what would move the cursor is left out. */
function fit(text: string, columns: number): string {
  const clean = text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x1f\x7f]/g, ' ')
  return clean.length > columns ? `${clean.slice(0, Math.max(0, columns - 3))}...` : clean
}
