import { ExpansionError, expandWord, expandWords } from './dockerfile/expand.ts'
import { type BuildPlatform, type BuildState, environment, platformText } from './state.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

/** Arguments that need no ARG to be used by RUN (Dockerfile reference, "Predefined ARGs"); never in the history. */
export const PREDEFINED: ReadonlySet<string> = new Set(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
    name,
    name.toLowerCase(),
  ]),
)

/** The platform arguments that exist in the global scope (TARGETPLATFORM and its kin). */
export function platformArgs(build: BuildPlatform, target: BuildPlatform): ReadonlyMap<string, string> {
  const parts = (prefix: string, platform: BuildPlatform): [string, string][] => [
    [`${prefix}PLATFORM`, platformText(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ''],
  ]
  return new Map([...parts('BUILD', build), ...parts('TARGET', target)])
}

/** Expands the words of one instruction in the scope of a state: ENV wins over ARG. */
export class Scope {
  readonly #values: ReadonlyMap<string, string>
  readonly #escape: string

  constructor(values: ReadonlyMap<string, string>, escape: string) {
    this.#values = values
    this.#escape = escape
  }

  static of(state: BuildState, escape: string): Scope {
    return new Scope(new Map([...state.args, ...environment(state.config)]), escape)
  }

  /** @throws InvalidArgumentError in Docker's words. */
  word(text: string): string {
    return attempt(text, () => expandWord(text, this.#lookup, this.#escape))
  }

  /** As `word`, split where a value brings spaces. */
  words(text: string): string[] {
    return attempt(text, () => expandWords(text, this.#lookup, this.#escape))
  }

  readonly #lookup = (name: string): string | null => this.#values.get(name) ?? null
}

function attempt<T>(text: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error
    throw new InvalidArgumentError(`failed to process ${JSON.stringify(text)}: ${error.message}`)
  }
}
