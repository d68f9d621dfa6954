/** How the columns of a table are laid out. */
export interface Layout {
  readonly minWidth: number
  readonly padding: number
}

const docker: Layout = { minWidth: 10, padding: 3 }

/**
 * Aligns text in columns as Go's text/tabwriter does. Cells end with a tab; a column is a block of adjacent lines
 * that have a cell at that place, and is as wide as its widest cell. What follows a line's last tab is not aligned.
 */
export function alignColumns(text: string, layout: Layout = docker): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const widths: number[] = []
  const out: string[] = []

  const format = (from: number, to: number): void => {
    const column = widths.length
    let at = from
    let next = from
    for (; at < to; at += 1) {
      if (column >= (lines[at]?.length ?? 0) - 1) continue
      emit(next, at)
      next = at
      let width = layout.minWidth
      let discardable = true
      for (; at < to; at += 1) {
        const line = lines[at] ?? []
        if (column >= line.length - 1) break
        const cell = characters(line[column] ?? '')
        width = Math.max(width, cell + layout.padding)
        if (cell > 0) discardable = false
      }
      void discardable
      widths.push(width)
      format(next, at)
      widths.pop()
      next = at
      at -= 1
    }
    emit(next, to)
  }

  const emit = (from: number, to: number): void => {
    for (let at = from; at < to; at += 1) {
      const line = lines[at] ?? []
      out[at] = line
        .map((cell, column) =>
          column < widths.length && column < line.length - 1
            ? cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - characters(cell)))
            : cell,
        )
        .join('')
    }
  }

  format(0, lines.length)
  return out.join('\n')
}

function characters(text: string): number {
  return /^[\x00-\x7f]*$/.test(text) ? text.length : [...text].length
}
