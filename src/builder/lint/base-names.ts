import { parseReference } from '#spec/reference.ts'
import { expandWord } from '../dockerfile/expand.ts'
import type { Dockerfile } from '../dockerfile/parse-dockerfile.ts'

/** FROM lines whose base is no name of an image when no argument is given (BuildKit's InvalidDefaultArgInFrom). */
export function basesWithoutDefault({ globalArgs, stages }: Dockerfile): readonly {
  readonly line: number
  readonly base: string
}[] {
  const defaults = new Map<string, string>()
  const expanded = (text: string): string => {
    try {
      return expandWord(text, (name) => defaults.get(name) ?? (/^(TARGET|BUILD)/.test(name) ? 'linux' : null))
    } catch {
      return ''
    }
  }
  for (const { args } of globalArgs)
    for (const { name, value } of args) if (value !== null) defaults.set(name, expanded(value))
  return stages.flatMap(({ from }) => {
    if (!from.base.includes('$') || isReference(expanded(from.base))) return []
    return [{ line: from.startLine, base: from.base }]
  })
}

function isReference(text: string): boolean {
  try {
    parseReference(text)
    return true
  } catch {
    return false
  }
}
