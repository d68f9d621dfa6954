import type { Instruction, InstructionOf, Keyword } from '../dockerfile/instructions.ts'
import type { Dockerfile, Stage } from '../dockerfile/parse-dockerfile.ts'
import type { Ignore } from '#spec/docker/ignore-file.ts'
import { basesWithoutDefault } from './base-names.ts'
import { PREDEFINED } from '../variables.ts'

/** One thing that a build check found (Dockerfile reference, "Build checks"). */
export interface Finding {
  /** The rule's name, as `# check=skip=…` names it. */
  readonly rule: string
  readonly message: string
  /** Line of the Dockerfile, from 1. */
  readonly line: number
}

/** What a rule may look at. */
export interface LintSubject {
  readonly dockerfile: Dockerfile
  /** The text, by lines. */
  readonly lines: readonly string[]
  /** What the context leaves out; null where that is not known. */
  readonly ignore: Pick<Ignore, 'excludes'> | null
}

/** A rule, under BuildKit's name. */
export interface LintRule {
  readonly name: string
  check(subject: LintSubject): readonly Omit<Finding, 'rule'>[]
}

const PLATFORM_ARGS = ['PLATFORM', 'OS', 'ARCH', 'VARIANT'].flatMap((name) => [
  `TARGET${name}`,
  `BUILD${name}`,
])
const SECRET_WORD =
  /(^|_)(apikey|auth|credential|credentials|key|password|pword|passwd|pass|secret|token)(_|$)/i
const PUBLIC_WORD = /(^|_)public(_|$)/i

/** Every instruction of every stage, its FROM included. */
function everywhere({ dockerfile }: LintSubject): readonly Instruction[] {
  return [
    ...dockerfile.globalArgs,
    ...dockerfile.stages.flatMap((stage) => [stage.from, ...stage.instructions]),
  ]
}

function ofKind<K extends Keyword>(
  subject: LintSubject,
  ...kinds: readonly K[]
): readonly InstructionOf<K>[] {
  return everywhere(subject).filter((found): found is InstructionOf<K> =>
    (kinds as readonly string[]).includes(found.kind),
  )
}

function written(instruction: Instruction): string {
  return /^\S+/.exec(instruction.text)?.[0] ?? ''
}

function variablesOf(text: string): readonly string[] {
  return [...text.replace(/\\\$/g, '').matchAll(/\$\{?([A-Za-z_]\w*)(?!\w)(?![:+?-])/g)].map(
    ([, name]) => name as string,
  )
}

const isUpper = (word: string): boolean => word === word.toUpperCase()
const isLower = (word: string): boolean => word === word.toLowerCase()

/** The rules that BuildKit documents and that a Dockerfile alone decides. */
export const LINT_RULES: readonly LintRule[] = [
  {
    name: 'StageNameCasing',
    check: (subject) =>
      ofKind(subject, 'from').flatMap((from) => {
        const name = /\sas\s+(\S+)\s*$/i.exec(from.text)?.[1]
        return name === undefined || isLower(name)
          ? []
          : [{ line: from.startLine, message: `Stage name '${name}' should be lowercase` }]
      }),
  },
  {
    name: 'FromAsCasing',
    check: (subject) =>
      ofKind(subject, 'from').flatMap((from) => {
        const as = /\s(as)\s+\S+\s*$/i.exec(from.text)?.[1]
        return as === undefined || isUpper(as) === isUpper(written(from))
          ? []
          : [
              {
                line: from.startLine,
                message: `'${as}' and '${written(from)}' keywords' casing do not match`,
              },
            ]
      }),
  },
  {
    name: 'NoEmptyContinuation',
    check: (subject) =>
      everywhere(subject).flatMap((found) => {
        const own = subject.lines.slice(found.startLine - 1, found.endLine)
        if (found.kind === 'run' || found.kind === 'copy' || found.kind === 'add') {
          if (found.heredocs.length > 0) return []
        }
        const at = own.findIndex((line, index) => index > 0 && line.trim() === '')
        return at < 0 ? [] : [{ line: found.startLine + at, message: 'Empty continuation line' }]
      }),
  },
  {
    name: 'ConsistentInstructionCasing',
    check(subject) {
      const all = everywhere(subject)
      const upper = all.filter((found) => isUpper(written(found))).length
      const isMajorityUpper = upper * 2 >= all.length
      return all
        .filter((found) => !(isMajorityUpper ? isUpper : isLower)(written(found)))
        .map((found) => ({
          line: found.startLine,
          message: `Command '${written(found)}' should match the case of the command majority (${isMajorityUpper ? 'uppercase' : 'lowercase'})`,
        }))
    },
  },
  {
    name: 'DuplicateStageName',
    check(subject) {
      const seen = new Set<string>()
      return ofKind(subject, 'from').flatMap((from) => {
        if (from.name === null || !seen.has(from.name)) {
          if (from.name !== null) seen.add(from.name)
          return []
        }
        return [
          {
            line: from.startLine,
            message: `Duplicate stage name '${from.name}', stage names should be unique`,
          },
        ]
      })
    },
  },
  {
    name: 'ReservedStageName',
    check: (subject) =>
      ofKind(subject, 'from')
        .filter((from) => from.name === 'scratch' || from.name === 'context')
        .map((from) => ({
          line: from.startLine,
          message: `Stage name should not use the same name as reserved stage '${from.name as string}'`,
        })),
  },
  {
    name: 'JSONArgsRecommended',
    check: ({ dockerfile }) =>
      dockerfile.stages
        .filter((stage) => !stage.instructions.some((found) => found.kind === 'shell'))
        .flatMap((stage) => stage.instructions)
        .flatMap((found) =>
          (found.kind === 'cmd' || found.kind === 'entrypoint') && found.command.form === 'shell'
            ? [
                {
                  line: found.startLine,
                  message: `JSON arguments recommended for ${found.kind.toUpperCase()} to prevent unintended behavior related to OS signals`,
                },
              ]
            : [],
        ),
  },
  {
    name: 'MaintainerDeprecated',
    check: (subject) =>
      ofKind(subject, 'maintainer').map((found) => ({
        line: found.startLine,
        message: 'Maintainer instruction is deprecated in favor of using label',
      })),
  },
  {
    name: 'UndefinedArgInFrom',
    check(subject) {
      const declared = new Set([...PLATFORM_ARGS, ...globalNames(subject.dockerfile)])
      return ofKind(subject, 'from').flatMap((from) =>
        variablesOf(`${from.base} ${from.platform ?? ''}`)
          .filter((name) => !declared.has(name))
          .map((name) => ({ line: from.startLine, message: `FROM argument '${name}' is not declared` })),
      )
    },
  },
  {
    name: 'InvalidDefaultArgInFrom',
    check: ({ dockerfile }) =>
      basesWithoutDefault(dockerfile).map(({ line, base }) => ({
        line,
        message: `Default value for ARG ${base} results in empty or invalid base image name`,
      })),
  },
  {
    name: 'UndefinedVar',
    check: ({ dockerfile }) => dockerfile.stages.flatMap(undefinedVariables),
  },
  {
    name: 'WorkdirRelativePath',
    check: ({ dockerfile }) =>
      dockerfile.stages.flatMap((stage) => {
        // After an absolute one, a relative one is clear.
        const first = stage.instructions.find((found) => found.kind === 'workdir')
        if (first?.kind !== 'workdir' || /^["']?[/$]/.test(first.value)) return []
        return [
          {
            line: first.startLine,
            message: `Relative workdir '${first.value}' can have unexpected results if the base image changes`,
          },
        ]
      }),
  },
  {
    name: 'MultipleInstructionsDisallowed',
    check: ({ dockerfile }) =>
      dockerfile.stages.flatMap((stage) =>
        (['cmd', 'entrypoint', 'healthcheck'] as const).flatMap((kind) =>
          stage.instructions
            .filter((found) => found.kind === kind)
            .slice(0, -1)
            .map((found) => ({
              line: found.startLine,
              message: `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`,
            })),
        ),
      ),
  },
  {
    name: 'LegacyKeyValueFormat',
    check: (subject) =>
      ofKind(subject, 'env', 'label')
        .filter((found) => !/^\S+\s+[^\s=]+=/.test(found.text))
        .map((found) => {
          const keyword = found.kind.toUpperCase()
          return {
            line: found.startLine,
            message: `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
          }
        }),
  },
  {
    name: 'RedundantTargetPlatform',
    check: (subject) =>
      ofKind(subject, 'from')
        .filter((from) => /^\$\{?TARGETPLATFORM\}?$/.test(from.platform ?? ''))
        .map((from) => ({
          line: from.startLine,
          message: `Setting platform to predefined ${from.platform as string} in FROM is redundant as this is the default behavior`,
        })),
  },
  {
    name: 'FromPlatformFlagConstDisallowed',
    check: (subject) =>
      ofKind(subject, 'from')
        .filter((from) => from.platform !== null && !from.platform.includes('$'))
        .map((from) => ({
          line: from.startLine,
          message: `FROM --platform flag should not use constant value "${from.platform as string}"`,
        })),
  },
  {
    name: 'SecretsUsedInArgOrEnv',
    check: (subject) =>
      ofKind(subject, 'arg', 'env').flatMap((found) => {
        const names =
          found.kind === 'arg' ? found.args.map((arg) => arg.name) : found.pairs.map((pair) => pair.name)
        return names
          .filter((name) => SECRET_WORD.test(name) && !PUBLIC_WORD.test(name))
          .map((name) => ({
            line: found.startLine,
            message: `Do not use ARG or ENV instructions for sensitive data (${found.kind.toUpperCase()} "${name}")`,
          }))
      }),
  },
  {
    name: 'ExposeProtoCasing',
    check: (subject) =>
      ofKind(subject, 'expose').flatMap((found) =>
        found.values
          .filter((value) => /\/\w*[A-Z]/.test(value))
          .map((value) => ({
            line: found.startLine,
            message: `Defined protocol '${value}' in EXPOSE instruction should be lowercase`,
          })),
      ),
  },
  {
    name: 'ExposeInvalidFormat',
    check: (subject) =>
      ofKind(subject, 'expose').flatMap((found) =>
        found.values
          .filter((value) => value.includes(':'))
          .map((value) => ({
            line: found.startLine,
            message: `EXPOSE instruction should not define an IP address or host-port mapping, found '${value}'`,
          })),
      ),
  },
]

function globalNames(dockerfile: Dockerfile): readonly string[] {
  return dockerfile.globalArgs.flatMap((found) => found.args.map((arg) => arg.name))
}

function undefinedVariables(stage: Stage): readonly Omit<Finding, 'rule'>[] {
  // What an image or another stage defines cannot be known here: only stages on scratch are sure.
  if (stage.from.base !== 'scratch') return []
  const known = new Set([...PREDEFINED, 'PATH'])
  const findings: Omit<Finding, 'rule'>[] = []
  for (const found of stage.instructions) {
    if (
      found.kind !== 'run' &&
      found.kind !== 'cmd' &&
      found.kind !== 'entrypoint' &&
      found.kind !== 'healthcheck'
    ) {
      for (const name of variablesOf(found.text)) {
        if (!known.has(name))
          findings.push({ line: found.startLine, message: `Usage of undefined variable '$${name}'` })
      }
    }
    if (found.kind === 'arg') for (const arg of found.args) known.add(arg.name)
    if (found.kind === 'env') for (const pair of found.pairs) known.add(pair.name)
  }
  return findings
}
