import { indentJson, parseJson, writeJson } from '../format/json.ts'
import { unescapeFormat } from '../format/list-format.ts'
import { errorText } from '../program.ts'
import { compileTemplate, evaluateTemplate } from '../template/evaluate.ts'
import { TemplateError } from '../template/lexer.ts'
import type { Context } from './context.ts'
import { ExitError } from './exit.ts'

/** Objects to describe by name. */
export interface InspectOptions {
  readonly names: readonly string[]
  /** '' is all as JSON, `json` each on a line, else a Go template. */
  readonly format: string
  /** The description as JSON text. */
  find(name: string): Promise<string>
}

/** Prints what is known of objects; those found are printed even when others are not. @throws ExitError 1 then. */
export async function inspectAll(context: Context, { names, format, find }: InspectOptions): Promise<void> {
  const found: string[] = []
  const failures: string[] = []
  for (const name of names) {
    try {
      if (name.trim() === '') throw new Error('invalid container name or ID: value is empty')
      found.push((await find(name)).trim())
    } catch (error) {
      failures.push(errorText(error))
    }
  }
  try {
    context.out.write(render(found, format))
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    context.out.write('\n')
    failures.push(error.message)
  }
  if (failures.length > 0) throw new ExitError(1, failures.join('\n'))
}

function render(found: readonly string[], format: string): string {
  if (format === '') {
    if (found.length === 0) return '[]\n'
    return `[\n${found.map((text) => `    ${indentJson(text, { prefix: '    ' })}`).join(',\n')}\n]\n`
  }
  if (format === 'json') return `[${found.map((text) => writeJson(parseJson(text))).join(',')}]\n`
  const template = (() => {
    try {
      return compileTemplate(unescapeFormat(format))
    } catch (error) {
      throw error instanceof TemplateError
        ? new ExitError(64, `template parsing error: ${error.message}`)
        : error
    }
  })()
  if (found.length === 0) return '\n'
  try {
    return found
      .map((text) => `${evaluateTemplate(template, parseJson(text), { strictKeys: true })}\n`)
      .join('')
  } catch (error) {
    throw error instanceof TemplateError
      ? new TemplateError(`template parsing error: ${error.message}`)
      : error
  }
}
