import type { BuildStatus, BuildVertex } from '#spec/docker/build-status.ts'

/** A step as it is shown: numbered in the order in which steps start. */
export interface ShownStep {
  readonly number: number
  readonly vertex: BuildVertex
  /** The last lines of its output, without line ends. */
  readonly lines: readonly string[]
}

/** A change of a step: what views draw. */
export type StepChange =
  | { readonly kind: 'started' | 'ended'; readonly step: ShownStep }
  | { readonly kind: 'line'; readonly step: ShownStep; readonly line: string; readonly timeMs: number }

const KEPT_LINES = 50

type Row = { number: number; vertex: BuildVertex; lines: string[]; rest: string; decoder: TextDecoder }

/** What is known of a running build: its steps, put together from what the daemon tells. */
export class BuildView {
  readonly #rows = new Map<string, Row>()

  /** Takes news in, and gives the changes in order. */
  apply(status: BuildStatus): readonly StepChange[] {
    const changes: StepChange[] = []
    for (const vertex of status.vertexes) changes.push(...this.#vertex(vertex))
    for (const { vertex, bytes, timeMs } of status.logs) {
      const row = this.#rows.get(vertex)
      if (row === undefined) continue
      const lines = `${row.rest}${row.decoder.decode(bytes, { stream: true })}`.split('\n')
      row.rest = lines.pop() ?? ''
      for (const line of lines) changes.push(this.#line(row, line, timeMs))
    }
    return changes
  }

  get steps(): readonly ShownStep[] {
    return [...this.#rows.values()]
  }

  /** The step that ended with an error of its own, if one did. */
  get failed(): ShownStep | null {
    return this.steps.find(({ vertex }) => vertex.error !== '') ?? null
  }

  #vertex(vertex: BuildVertex): readonly StepChange[] {
    const known = this.#rows.get(vertex.digest)
    const before = known?.vertex
    if (known === undefined && vertex.startedMs === null) return []
    const row = known ?? {
      number: this.#rows.size + 1,
      vertex,
      lines: [],
      rest: '',
      decoder: new TextDecoder(),
    }
    row.vertex = vertex
    this.#rows.set(vertex.digest, row)
    const changes: StepChange[] = []
    if (before === undefined) changes.push({ kind: 'started', step: row })
    if (vertex.completedMs !== null && (before?.completedMs ?? null) === null) {
      if (row.rest !== '') changes.push(this.#line(row, row.rest, vertex.completedMs))
      row.rest = ''
      changes.push({ kind: 'ended', step: row })
    }
    return changes
  }

  #line(row: Row, text: string, timeMs: number): StepChange {
    const line = text.replace(/\r$/, '').replace(/^.*\r/, '')
    row.lines.push(line)
    if (row.lines.length > KEPT_LINES) row.lines.shift()
    return { kind: 'line', step: row, line, timeMs }
  }
}

/** Seconds from the start of a step to a moment, or to its end. */
export function secondsOf({ vertex }: ShownStep, untilMs: number | null = null): number {
  const end = untilMs ?? vertex.completedMs ?? Date.now()
  return Math.max(0, end - (vertex.startedMs ?? end)) / 1000
}
