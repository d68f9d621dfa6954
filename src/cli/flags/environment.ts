import { readFileSync } from 'node:fs'
import { ExitError } from '../core/exit.ts'

interface Sources {
  readonly files: readonly string[]
  readonly values: readonly string[]
  /** Where a bare name takes its value from; null when bare names stand as they are (labels). */
  readonly environment: Readonly<Record<string, string | undefined>> | null
}

/** Variables of files, then of flags, as `NAME=value`; a bare NAME that has no value here is left out. */
export function readKeyValues({ files, values, environment }: Sources): string[] {
  const lines = files.flatMap(readLines)
  const out: string[] = []
  for (const text of [...lines, ...values]) {
    if (text === '' || text.startsWith('='))
      throw new ExitError(125, `invalid environment variable: ${text}`, { withHint: true })
    if (text.includes('=') || environment === null) out.push(text)
    else if (environment[text] !== undefined) out.push(`${text}=${environment[text]}`)
  }
  return out
}

function readLines(path: string): string[] {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    throw new ExitError(125, `open ${path}: no such file or directory`, { withHint: true })
  }
  return bytes
    .toString()
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const name = line.split('=', 1)[0] ?? ''
      if (name === '') throw new ExitError(125, `no variable name on line '${line}'`, { withHint: true })
      if (/\s/.test(name))
        throw new ExitError(125, `variable '${name}' contains whitespaces`, { withHint: true })
      return line
    })
}

/** Labels of files and flags as a map. */
export function readLabels({
  files,
  values,
}: {
  files: readonly string[]
  values: readonly string[]
}): Record<string, string> {
  return keyValueMap(readKeyValues({ files, values, environment: null }))
}

/** `name=value` texts as a map; a bare name has the value ''. */
export function keyValueMap(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=')
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}
