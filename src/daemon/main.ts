import { writeSync } from 'node:fs'
import { armFailpoints } from '#base/failpoint.ts'
import { messageOf } from '#errors/errors.ts'
import { readConfig } from './config.ts'
import type { DaemonConfig } from './config.ts'
import { createConsoleLogger } from './console-logger.ts'
import { helpText, parseCommandLine } from './flags.ts'
import { PRODUCT_VERSION } from './version.ts'

/** `wharfd`. The exit code is the process's. */
async function main(argv: readonly string[]): Promise<number> {
  const commandLine = parseCommandLine(argv)
  if (commandLine.action === 'help') {
    writeSync(1, helpText())
    return 0
  }
  if (commandLine.action === 'version') {
    writeSync(1, `Wharf version ${PRODUCT_VERSION}\n`)
    return 0
  }
  const config = readConfig(commandLine)
  if (commandLine.action === 'validate') {
    writeSync(2, 'configuration OK\n')
    return 0
  }
  if (process.getuid?.() !== 0) {
    throw new Error('wharfd needs to be started with root privileges')
  }
  armFailpoints(config.failpoints)
  const settings = {
    level: config.logLevel,
    format: config.logFormat,
    write: (line: string): void => {
      process.stderr.write(`${line}\n`)
    },
  }
  // Loaded late: --version and a wrong flag answer without the engine.
  const { runDaemon } = await import('./run-daemon.ts')
  await runDaemon(config, {
    log: createConsoleLogger(settings),
    reread: (): DaemonConfig => readConfig(commandLine),
    setLogLevel: (level) => (settings.level = level),
  })
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  writeSync(2, `wharfd: ${messageOf(error)}\n`)
  process.exitCode = 1
}
// Worker threads and kernel handles of a start that failed half-way must not keep the process.
process.exit()
