import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { run } from '../../support/engine.ts'
import type { CliOptions, CliResult, Engine } from '../../support/engine.ts'
import { scratchRoot } from '../../support/scratch.ts'

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** The argument vector of the command line, run from the sources. */
export const wharfArgv: readonly string[] = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  '--',
  main,
]

/** Where the command line finds the daemon, and a configuration of the test's own. */
export function wharfEnv(engine: Engine): NodeJS.ProcessEnv {
  const config = `${scratchRoot}/docker-config`
  mkdirSync(config, { recursive: true })
  return {
    DOCKER_HOST: `unix://${engine.socketPath}`,
    DOCKER_CONFIG: config,
    DOCKER_CONTEXT: '',
    DOCKER_API_VERSION: '',
  }
}

/** Runs `wharf` against a daemon. */
export function wharf(engine: Engine, args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return run([...wharfArgv, ...args], { ...options, env: { ...wharfEnv(engine), ...options.env } })
}

/** As `wharf`, for commands that must succeed: standard output without the last line break. */
export async function wharfOk(
  engine: Engine,
  args: readonly string[],
  options: CliOptions = {},
): Promise<string> {
  const { exitCode, stdout, stderr } = await wharf(engine, args, options)
  if (exitCode !== 0)
    throw new Error(`wharf ${args.join(' ')}: exit code ${exitCode}\n${stdout}${stderr}\n${engine.logTail()}`)
  return stdout.replace(/\n$/, '')
}
