import type { Logger } from '#base/logger.ts'
import { messageOf } from '#errors/errors.ts'
import { captureOutput } from '#kernel/capture.ts'
import type { Engine } from './oci-engines.ts'

/** What of the OCI specification a runtime can do, where they differ. */
export interface EngineFeatures {
  /** Namespaces of kind `time` (runtime-spec 1.1). */
  readonly timeNamespaces: boolean
}

const ENV = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']

/** Asks each runtime once what it can do, the first time that somebody wants to know. */
export class EngineInquiry {
  readonly #logger: Logger
  readonly #known = new Map<string, Promise<EngineFeatures>>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Never rejects: who does not answer can do nothing special. */
  of(engine: Engine): Promise<EngineFeatures> {
    const known = this.#known.get(engine.name)
    if (known !== undefined) return known
    const asked = ask(engine).catch((error: unknown) => {
      this.#logger.warn('a runtime does not say what it can do', {
        runtime: engine.name,
        error: messageOf(error),
      })
      return { timeNamespaces: false }
    })
    this.#known.set(engine.name, asked)
    return asked
  }
}

/** `<runtime> features` (runtime-spec 1.1, features.md) tells; but crun names no time namespaces, which it has since 1.8.4. */
async function ask({ path, args }: Engine): Promise<EngineFeatures> {
  const run = (command: string): ReturnType<typeof captureOutput> =>
    captureOutput({ argv: [path, ...args, command], env: ENV })
  const version = parseCrunVersion((await run('--version')).output)
  if (version !== null) return { timeNamespaces: isAtLeast(version, [1, 8, 4]) }
  const { exit, output } = await run('features')
  const start = output.indexOf('{')
  return exit.exitCode === 0 && start >= 0 ? parseFeatures(output.slice(start)) : { timeNamespaces: false }
}

/** Null for what is no crun. */
export function parseCrunVersion(text: string): readonly number[] | null {
  const found = /^crun version (\d+)\.(\d+)(?:\.(\d+))?/m.exec(text)
  return found === null ? null : found.slice(1).map((part) => Number(part ?? 0))
}

function isAtLeast(version: readonly number[], wanted: readonly number[]): boolean {
  for (const [index, part] of wanted.entries()) {
    const difference = (version[index] ?? 0) - part
    if (difference !== 0) return difference > 0
  }
  return true
}

/** @throws SyntaxError */
export function parseFeatures(text: string): EngineFeatures {
  const { linux } = JSON.parse(text) as { linux?: { namespaces?: unknown } }
  const namespaces = linux?.namespaces
  return { timeNamespaces: Array.isArray(namespaces) && namespaces.includes('time') }
}
