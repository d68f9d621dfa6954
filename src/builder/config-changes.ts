import { InvalidArgumentError } from '#errors/errors.ts'
import type { ImageConfig } from '#spec/docker/container-config.ts'
import { parseTrigger } from './dockerfile/parse-dockerfile.ts'
import { applyMetadata, isMetadata, nextWorkdir } from './ops/metadata.ts'
import { scratchState } from './plan/from-step.ts'
import { Scope } from './variables.ts'

/** What `--change` of commit and import takes. */
const ALLOWED: ReadonlySet<string> = new Set(
  'cmd entrypoint env expose healthcheck label onbuild stopsignal user volume workdir'.split(' '),
)

/**
 * Applies the lines of `--change` to a configuration.
 * @throws InvalidArgumentError for a line that is no such instruction.
 */
export function applyConfigChanges(config: ImageConfig, lines: readonly string[]): ImageConfig {
  let state = {
    ...scratchState({ os: 'linux', architecture: 'amd64', variant: null }),
    config,
    commandSet: true,
  }
  for (const line of lines) {
    const instruction = parseTrigger(line)
    if (!ALLOWED.has(instruction.kind))
      throw new InvalidArgumentError(`${instruction.kind.toUpperCase()} is not a valid change command`)
    const scope = Scope.of(state, '\\')
    if (instruction.kind === 'workdir') {
      const WorkingDir = nextWorkdir(state.config, scope.word(instruction.value))
      state = { ...state, config: { ...state.config, WorkingDir } }
    } else if (isMetadata(instruction)) {
      const change = applyMetadata(state, instruction, { scope, args: { given: {}, global: new Map() } })
      state = { ...state, ...change.state }
    }
  }
  return state.config
}
