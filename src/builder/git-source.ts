import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import { captureOutput } from '#kernel/capture.ts'
import { resolveBeneath } from '#kernel/paths.ts'

/** A git repository as a build names it: `https://host/repo.git#ref:sub/directory`. */
export interface GitSource {
  readonly url: string
  /** A branch, tag or commit; null for the default branch. */
  readonly ref: string | null
  readonly subdirectory: string
}

const NAMES_GIT = [
  /^git(\+[a-z]+)?:\/\//,
  /^git@[\w.-]+:/,
  /^ssh:\/\//,
  /^https?:\/\/[^#?]+\.git(#.*)?$/,
  /^github\.com\//,
]

/** Reads a git URL; null where the text names something else. */
export function parseGitSource(text: string): GitSource | null {
  if (!NAMES_GIT.some((pattern) => pattern.test(text))) return null
  const hash = text.indexOf('#')
  const [ref = '', subdirectory = ''] = hash < 0 ? [] : text.slice(hash + 1).split(':', 2)
  const url = hash < 0 ? text : text.slice(0, hash)
  return {
    url: url.startsWith('github.com/') ? `https://${url}` : url,
    ref: ref === '' ? null : ref,
    subdirectory,
  }
}

/**
 * Fetches one commit of a repository, without its history, by the machine's `git`; gives the directory that was
 * asked for. Nothing of the repository is run: no hooks, no filters, no local or external transports.
 * @throws InvalidArgumentError with git's own words
 */
export async function fetchGit(
  source: GitSource,
  options: {
    readonly tempRoot: string
    readonly keepGitDirectory: boolean
    /** The commit that must be found (its id, or the beginning); null for any. */
    readonly commit?: string | null
    readonly signal: AbortSignal
  },
): Promise<string> {
  const directory = await mkdtemp(join(options.tempRoot, 'git-'))
  // Its mode becomes that of a directory in the image.
  await chmod(directory, 0o755)
  const git = (...args: readonly string[]): Promise<string> => runGit(directory, args, options.signal)
  await git('init', '--quiet')
  try {
    await git('fetch', '--quiet', '--depth=1', '--no-tags', '--', source.url, source.ref ?? 'HEAD')
    await git('checkout', '--quiet', 'FETCH_HEAD')
  } catch (error) {
    // Servers may refuse to give a commit by its id: then all branches are fetched and it is looked for in them.
    if (source.ref === null || !/^[0-9a-f]{7,64}$/.test(source.ref)) throw error
    await git('fetch', '--quiet', '--', source.url, '+refs/*:refs/remotes/origin/*')
    await git('checkout', '--quiet', source.ref)
  }
  const found = (await git('rev-parse', 'HEAD')).trim()
  if (options.commit != null && !found.startsWith(options.commit)) {
    throw new InvalidArgumentError(
      `expected checksum to match ${options.commit}, got ${found} for ${source.url}`,
    )
  }
  if (!options.keepGitDirectory) await rm(join(directory, '.git'), { recursive: true })
  try {
    return resolveBeneath(directory, source.subdirectory)
  } catch (error) {
    throw new InvalidArgumentError(
      `unable to prepare context: "${source.subdirectory}" is not in ${source.url}`,
      { cause: error },
    )
  }
}

async function runGit(directory: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  signal.throwIfAborted()
  const settings = [
    'core.hooksPath=/dev/null',
    'core.symlinks=true',
    'protocol.file.allow=never',
    'protocol.ext.allow=never',
  ]
  const flags = settings.flatMap((setting) => ['-c', setting])
  let result
  try {
    result = await captureOutput({
      argv: ['/usr/bin/git', '-C', directory, ...flags, ...args],
      env: [
        'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
        `HOME=${directory}`,
        'GIT_TERMINAL_PROMPT=0',
        'GIT_CONFIG_NOSYSTEM=1',
      ],
    })
  } catch (error) {
    throw new InvalidArgumentError(
      `unable to prepare context: cannot run /usr/bin/git: ${messageOf(error)}: install git`,
    )
  }
  if (result.exit.exitCode === 0) return result.output
  throw new InvalidArgumentError(
    `unable to prepare context: git ${args[0] as string}: ${result.output.trim()}`,
  )
}
