import { chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type IdMap, mappedRoot } from '#base/id-map.ts'
import type { Logger } from '#base/logger.ts'
import { InvalidArgumentError, UnavailableError, errnoOf } from '#errors/errors.ts'
import { captureOutput } from '#kernel/capture.ts'
import { DEFAULT_USER, type UserFiles, freeRange, parseRemap, subordinateIds } from './userns-remap.ts'

const ENV = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin']

/**
 * The ids of `userns-remap`; null when it is off, or names root. `default` makes its user and the user's ranges.
 * @throws InvalidArgumentError in Docker's words, UnavailableError when the user cannot be made
 */
export async function openRemap(text: string | null, log: Logger): Promise<IdMap | null> {
  if (text === null) return null
  if (parseRemap(text, readUserFiles()) === null) await makeUser()
  const remap = parseRemap(text, readUserFiles())
  if (remap === null) throw new UnavailableError(`the user ${DEFAULT_USER} was made and is not there`)
  if (remap.user === 'root') {
    log.warn('User namespaces: root cannot be remapped with itself; user namespaces are OFF')
    return null
  }
  if (text === 'default' && !hasRanges(readUserFiles())) await makeRanges()
  log.info('User namespaces: ID ranges will be mapped to subuid/subgid ranges', { user: remap.user })
  return subordinateIds(remap.user, readUserFiles())
}

/**
 * The data root of remapped containers, as Docker's: `<data-root>/<uid>.<gid>`, since layers, volumes and containers of
 * other ids are no use to them. Their root may go through it, and through what is above.
 * @throws InvalidArgumentError when it may not
 */
export function remappedRoot(dataRoot: string, ids: IdMap): string {
  const { uid, gid } = mappedRoot(ids)
  mkdirSync(dataRoot, { recursive: true, mode: 0o711 })
  for (let path = dataRoot; path !== '/'; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) !== 0) continue
    throw new InvalidArgumentError(
      `a subdirectory in your graphroot path (${dataRoot}) restricts access to the remapped root uid/gid; please fix by allowing 'o+x' permissions on existing directories: ${path}`,
    )
  }
  const root = join(dataRoot, `${String(uid)}.${String(gid)}`)
  mkdirSync(root, { recursive: true, mode: 0o710 })
  chownSync(root, 0, gid)
  return root
}

function readUserFiles(): UserFiles {
  const read = (name: string): string => {
    try {
      return readFileSync(join('/etc', name), 'utf8')
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return ''
      throw error
    }
  }
  return { passwd: read('passwd'), group: read('group'), subuid: read('subuid'), subgid: read('subgid') }
}

function hasRanges(files: UserFiles): boolean {
  return [files.subuid, files.subgid].every((text) =>
    text.split('\n').some((line) => line.startsWith(`${DEFAULT_USER}:`)),
  )
}

async function makeUser(): Promise<void> {
  await run(`Error during "${DEFAULT_USER}" user creation`, [
    'useradd',
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/bin/false',
    DEFAULT_USER,
  ])
}

async function makeRanges(): Promise<void> {
  const { subuid, subgid } = readUserFiles()
  const uids = freeRange(subuid)
  const gids = freeRange(subgid)
  await run(`cannot give ${DEFAULT_USER} subordinate ids`, [
    'usermod',
    `--add-subuids=${String(uids.first)}-${String(uids.last)}`,
    `--add-subgids=${String(gids.first)}-${String(gids.last)}`,
    DEFAULT_USER,
  ])
}

async function run(what: string, [program, ...rest]: readonly [string, ...string[]]): Promise<void> {
  const path = ['/usr/sbin', '/sbin', '/usr/bin'].map((at) => join(at, program)).find((at) => existsSync(at))
  if (path === undefined) throw new UnavailableError(`${what}: ${program} is not installed`)
  const { exit, output } = await captureOutput({ argv: [path, ...rest], env: ENV })
  if (exit.exitCode !== 0) throw new UnavailableError(`${what}: ${output.trim()}`)
}
