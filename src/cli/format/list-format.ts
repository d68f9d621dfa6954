import type { Output } from '../core/output.ts'
import { compileTemplate, evaluateTemplate } from '../template/evaluate.ts'
import { headerFunctions } from '../template/functions.ts'
import { TemplateError } from '../template/lexer.ts'
import type { Template } from '../template/nodes.ts'
import type { Row } from '../template/row.ts'
import { writeJson } from './json.ts'
import { alignColumns } from './tabwriter.ts'

/** A list that is printed by a format: `table`, `table TEMPLATE`, `json` or a template. */
export interface ListFormat {
  /** The user's format; '' is the table. */
  readonly format: string
  /** The template of the default table, without the word `table`. */
  readonly table: string
  /** The names of columns, by field. */
  readonly headers: Readonly<Record<string, string>>
  /** Print this field alone, one a line. */
  readonly quiet?: string | null
  readonly rows: Iterable<Row>
}

/** Prints a list. @throws TemplateError with Docker's prefix. */
export function printList(out: Output, list: ListFormat): void {
  const text = renderList(list)
  if (text !== '') out.write(text)
}

/** The text of a list. */
export function renderList({ format, table, headers, quiet = null, rows }: ListFormat): string {
  const isTable = format === '' || format === 'table' || /^table\s/.test(format)
  if (quiet !== null && (format === '' || format === 'table'))
    return lines(rows, (row) => String(row.get(quiet)))
  if (format === 'json' || format === '{{json .}}') return lines(rows, (row) => writeJson(row))
  const source =
    format === '' || format === 'table' ? table : isTable ? format.slice('table'.length).trim() : format
  const template = compile(unescapeFormat(source))
  if (!isTable) return lines(rows, (row) => run(template, row))
  const body = [...rows].map((row) => run(template, row))
  const head = evaluateTemplate(
    template,
    { ...headers, Label: (name: string) => name },
    { functions: headerFunctions },
  )
  return alignColumns(`${[head, ...body].join('\n')}\n`)
}

function lines(rows: Iterable<Row>, print: (row: Row) => string): string {
  let out = ''
  for (const row of rows) out += `${print(row)}\n`
  return out
}

/** The shell's `\t` and `\n` in a format, as Docker understands them. */
export const unescapeFormat = (format: string): string =>
  format.replaceAll('\\t', '\t').replaceAll('\\n', '\n')

function compile(source: string): Template {
  try {
    return compileTemplate(source)
  } catch (error) {
    throw error instanceof TemplateError
      ? new TemplateError(`failed to parse template: ${error.message}`)
      : error
  }
}

function run(template: Template, row: Row): string {
  try {
    return evaluateTemplate(template, row)
  } catch (error) {
    throw error instanceof TemplateError
      ? new TemplateError(`failed to execute template: ${error.message}`)
      : error
  }
}
