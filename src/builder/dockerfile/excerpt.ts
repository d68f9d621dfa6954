import type { BuildErrorSource } from '#spec/docker/build.ts'

/** Lines of a Dockerfile, from 1, both inclusive. */
export interface LineRange {
  readonly line: number
  readonly endLine?: number
}

/** Lines around some, which are marked: as builds show where an error is. */
export function excerpt(text: string, at: LineRange & { readonly fileName: string }): string {
  const { line: first, endLine: last = at.line } = at
  const lines = text.split(/\r?\n/)
  const from = Math.max(1, first - 2)
  const shown = lines.slice(from - 1, last + 2)
  const rule = '-'.repeat(20)
  const body = shown.map((line, index) => {
    const number = from + index
    const isMarked = number >= first && number <= last
    return `${String(number).padStart(4)} | ${isMarked ? '>>>' : '   '} ${line}`
  })
  return `${at.fileName}:${first}\n${rule}\n${body.join('\n')}\n${rule}\n`
}

/** The error, telling also where in the Dockerfile it comes from; its words stay as they are. */
export function withSource(
  error: unknown,
  text: string,
  at: LineRange & { readonly fileName: string },
): unknown {
  if (!(error instanceof Error) || 'source' in error || at.line < 1) return error
  const { fileName, line, endLine = line } = at
  const source: BuildErrorSource = { file: fileName, line, endLine, excerpt: excerpt(text, at) }
  return Object.assign(error, { source })
}
