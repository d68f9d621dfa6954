import { commandLines, flagLines } from './core/help.ts'
import type { Flags } from './core/flag.ts'
import type { Found } from './find-command.ts'
import { branches, topLevel } from './tree.ts'
import type { Branch } from './tree.ts'

const common = [
  'run',
  'exec',
  'ps',
  'build',
  'pull',
  'push',
  'images',
  'login',
  'logout',
  'search',
  'version',
  'info',
]

/** The help of the program itself. */
export function programHelp(program: string, flags: Flags): string {
  const first = common.flatMap((name) => topLevel.filter((leaf) => leaf.name === name))
  const others = topLevel
    .filter((leaf) => !common.includes(leaf.name) && leaf.hidden !== true)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return [
    `Usage:  ${program} [OPTIONS] COMMAND`,
    'A container engine that speaks Docker’s language',
    `Common Commands:\n${commandLines(first)}`,
    `Management Commands:\n${commandLines(branches)}`,
    `Commands:\n${commandLines(others)}`,
    `Global Options:\n${flagLines(flags)}`,
    `Run '${program} COMMAND --help' for more information on a command.\n`,
  ].join('\n\n')
}

/** The help of a noun. */
export function branchHelp(program: string, branch: Branch): string {
  const path = `${program} ${branch.name}`
  const shown = branch.children.filter((leaf) => leaf.hidden !== true)
  return `Usage:  ${path} COMMAND\n\n${branch.short}\n\nCommands:\n${commandLines(shown)}\n\nRun '${path} COMMAND --help' for more information on a command.\n`
}

/** All names of a command: under its noun, its aliases there, and without the noun. */
export function aliasesOf(program: string, found: Extract<Found, { kind: 'command' }>): string[] {
  const names: string[] = []
  for (const branch of branches) {
    for (const leaf of branch.children) {
      const path = `${branch.name} ${leaf.name}`
      if (path !== found.canonical && !(leaf.name === 'build' && found.canonical.endsWith(' build'))) continue
      names.push(path, ...(leaf.aliases ?? []).map((alias) => `${branch.name} ${alias}`))
    }
  }
  for (const top of topLevel) if (top.of === found.canonical) names.push(top.name)
  return names.map((name) => `${program} ${name}`)
}
