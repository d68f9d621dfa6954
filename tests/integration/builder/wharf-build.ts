import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CliOptions, CliResult } from '../../support/engine.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import type { Wharfd } from '../../support/wharfd.ts'
import { wharf } from '../cli/wharf-cli.ts'

/** Files by name: text, or a link (`->target`). Text that begins with `#!` can be run. */
export type Files = Readonly<Record<string, string>>

/** Makes a directory of files. */
export function directoryOf(files: Files): string {
  const directory = scratchDirectory('context')
  for (const [name, text] of Object.entries(files)) {
    const path = join(directory, name)
    mkdirSync(dirname(path), { recursive: true })
    if (text.startsWith('->')) symlinkSync(text.slice(2), path)
    else writeFileSync(path, text)
    if (text.startsWith('#!')) chmodSync(path, 0o755)
  }
  return directory
}

/** `wharf build` of files. */
export function wharfBuild(
  daemon: Wharfd,
  files: Files,
  args: readonly string[] = [],
  options: CliOptions = {},
): Promise<CliResult> {
  return wharf(daemon, ['build', ...args, directoryOf(files)], options)
}

/** As `wharfBuild`, for a build that must succeed: the id of the image. */
export async function builtImage(
  daemon: Wharfd,
  files: Files,
  args: readonly string[] = [],
  options: CliOptions = {},
): Promise<string> {
  const built = await wharfBuild(daemon, files, ['-q', ...args], options)
  assert.equal(built.exitCode, 0, built.stdout + built.stderr)
  return built.stdout.trim()
}

/** The lines that commands of a build wrote and that begin with a mark. */
export function said(result: CliResult, mark = 'say '): readonly string[] {
  const lines = result.stderr.split('\n').map((line) => line.replace(/^#\d+ \d+\.\d+ /, ''))
  return lines.flatMap((line) => (line.startsWith(mark) ? [line.slice(mark.length)] : []))
}
