import { posix } from 'node:path'
import type { LintRule, LintSubject } from './rules.ts'

/** Rules that BuildKit looks at only where `# check=experimental=…` names them. */
export const EXPERIMENTAL_RULES: readonly LintRule[] = [
  {
    name: 'CopyIgnoredFile',
    check: ({ dockerfile, ignore }) =>
      dockerfile.stages
        .flatMap(({ instructions }) => instructions)
        .flatMap((found) => {
          if (ignore === null || (found.kind !== 'copy' && found.kind !== 'add') || found.flags.has('from'))
            return []
          const verb = found.kind === 'copy' ? 'Copy' : 'Add'
          return found.sources
            .filter((source) => !/[*?[$<]|^\w+:\/\//.test(source) && ignore.excludes(plainPath(source)))
            .map((source) => ({
              line: found.startLine,
              message: `Attempting to ${verb} file ${JSON.stringify(source)} that is excluded by .dockerignore`,
            }))
        }),
  },
  {
    name: 'InvalidDefinitionDescription',
    check: (subject) =>
      definitions(subject).flatMap(({ line, name }) => {
        const comment = /^#\s*(?![a-z]+\s*=)(\S*)/i.exec(subject.lines[line - 2] ?? '')
        if (comment === null || name === '' || comment[1]?.toLowerCase() === name.toLowerCase()) return []
        return [{ line, message: DESCRIPTION }]
      }),
  },
]

const DESCRIPTION =
  'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.'

function definitions({
  dockerfile,
}: LintSubject): readonly { readonly line: number; readonly name: string }[] {
  return [
    ...dockerfile.globalArgs.map((found) => ({ line: found.startLine, name: found.args[0]?.name ?? '' })),
    ...dockerfile.stages.map(({ from }) => ({ line: from.startLine, name: from.name ?? '' })),
  ]
}

function plainPath(source: string): string {
  return posix.resolve('/', source.replace(/^(["'])(.*)\1$/, '$2')).slice(1)
}
