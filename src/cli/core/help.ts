import type { Command } from './command.ts'
import { type Flag, type Flags, bool } from './flag.ts'

const WIDTH = 80

/** The words of a help text that do not come from the command itself. */
export interface HelpFacts {
  readonly path: string
  readonly short: string
  /** Other names of the same command. */
  readonly aliases: readonly string[]
}

/** The usage lines: `Usage:  wharf ps [OPTIONS]`. */
export function usageLines(path: string, usage: string): string {
  const [first = '', ...others] = usage.split('\n')
  return [`Usage:  ${path} ${first}`.trimEnd(), ...others.map((line) => `        ${line}`)].join('\n')
}

/** The help of one command. */
export function commandHelp(command: Command, facts: HelpFacts): string {
  const parts = [
    usageLines(facts.path, command.usage),
    command.long === undefined ? facts.short : `${facts.short}\n\n${command.long}`,
  ]
  if (facts.aliases.length > 1) parts.push(`Aliases:\n  ${facts.aliases.join(', ')}`)
  const json = Object.hasOwn(command.flags, 'format') ? { json: bool('As --format json') } : {}
  const options = flagLines({ ...json, ...command.flags })
  if (options !== '') parts.push(`Options:\n${options}`)
  return `${parts.join('\n\n')}\n`
}

/** One line for each flag, wrapped to the terminal's usual width. */
export function flagLines(flags: Flags): string {
  const shown = Object.entries(flags)
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const left = shown.map(([name, flag]) => leftColumn(name, flag))
  const widest = Math.max(0, ...left.map((text) => text.length))
  return shown
    .map(([, flag], at) => wrapFlag(left[at] ?? '', { text: helpText(flag), column: widest + 3 }))
    .join('\n')
}

function leftColumn(name: string, flag: Flag<unknown>): string {
  const short = flag.short === null ? '      ' : `  -${flag.short}, `
  return `${short}--${name}${flag.kind === '' ? '' : ` ${flag.kind}`}`
}

function helpText(flag: Flag<unknown>): string {
  return flag.defaultText === null ? flag.help : `${flag.help} (default ${flag.defaultText})`
}

function wrapFlag(left: string, { text, column }: { text: string; column: number }): string {
  const lines = text.split('\n').flatMap((line) => wrap(line, Math.max(24, WIDTH - column)))
  return lines.map((line, at) => `${(at === 0 ? left : '').padEnd(column)}${line}`.trimEnd()).join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** `  name        What it does` lines. */
export function commandLines(entries: readonly { readonly name: string; readonly short: string }[]): string {
  const widest = Math.max(11, ...entries.map((entry) => entry.name.length + 1))
  return entries.map((entry) => `  ${entry.name.padEnd(widest)} ${entry.short}`).join('\n')
}
