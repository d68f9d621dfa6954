import type { Dockerfile } from './dockerfile/parse-dockerfile.ts'
import type { ArgValues } from './ops/metadata.ts'
import type { BuildPlatform } from './state.ts'
import { platformArgs, PREDEFINED, Scope } from './variables.ts'

/** The values that ARG can take: what was given, the platform, and the ARGs before the first FROM. */
export function buildArguments(
  dockerfile: Dockerfile,
  given: Readonly<Record<string, string | null>>,
  platforms: { readonly build: BuildPlatform; readonly target: BuildPlatform },
): ArgValues {
  const global = new Map<string, string>()
  for (const [name, value] of platformArgs(platforms.build, platforms.target))
    global.set(name, given[name] ?? value)
  for (const instruction of dockerfile.globalArgs) {
    for (const arg of instruction.args) {
      const scope = new Scope(global, dockerfile.directives.escape)
      const value = given[arg.name] ?? (arg.value === null ? null : scope.word(arg.value))
      if (value !== null) global.set(arg.name, value)
    }
  }
  return { given, global }
}

/** The names among `--build-arg` that no ARG takes: Docker warns of them. */
export function unusedArguments(
  dockerfile: Dockerfile,
  given: Readonly<Record<string, string | null>>,
): string[] {
  const declared = new Set([...PREDEFINED, 'SOURCE_DATE_EPOCH'])
  const instructions = [...dockerfile.globalArgs, ...dockerfile.stages.flatMap((stage) => stage.instructions)]
  for (const instruction of instructions) {
    if (instruction.kind === 'arg') for (const arg of instruction.args) declared.add(arg.name)
  }
  return Object.keys(given)
    .filter((name) => !declared.has(name))
    .sort()
}
