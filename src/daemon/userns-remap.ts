import type { IdMap, IdMapping } from '#base/id-map.ts'
import { InvalidArgumentError } from '#errors/errors.ts'

/** The user of `userns-remap=default`, which the daemon makes when it is not there. */
export const DEFAULT_USER = 'dockremap'

/** The texts of /etc/passwd, /etc/group, /etc/subuid and /etc/subgid. */
export interface UserFiles {
  readonly passwd: string
  readonly group: string
  readonly subuid: string
  readonly subgid: string
}

/** Whose subordinate ids containers get. */
export interface RemapUser {
  readonly user: string
  readonly group: string
}

const MAX_ID = 2 ** 31 - 1

/**
 * The user and the group that `user[:group]`, `uid[:gid]` or `default` stand for.
 * @returns null when `default` has no user yet
 * @throws InvalidArgumentError in Docker's words
 */
export function parseRemap(text: string, files: Pick<UserFiles, 'passwd' | 'group'>): RemapUser | null {
  const parts = text.split(':')
  if (parts.length > 2)
    throw new InvalidArgumentError(
      `Invalid user/group specification in --userns-remap: ${JSON.stringify(text)}`,
    )
  const [userText = '', groupText] = parts
  const users = entries(files.passwd)
  const groups = entries(files.group)
  const user = findUser(userText, users)
  if (user === null) return null
  if (groupText !== undefined) return { user, group: findGroup(groupText, groups) }
  // A number alone is both, a name alone too.
  return { user, group: isId(userText) ? findGroup(userText, groups) : ownGroup(user, groups) }
}

function findUser(text: string, users: readonly Entry[]): string | null {
  if (isId(text)) {
    const name = users.find(({ id }) => id === text)?.name
    if (name === undefined)
      throw new InvalidArgumentError(`Uid ${text} has no entry in /etc/passwd: ${unknown(text, 'passwd')}`)
    return name
  }
  const name = text === 'default' ? DEFAULT_USER : text
  if (users.some((user) => user.name === name)) return name
  if (text === 'default') return null
  throw new InvalidArgumentError(
    `Error during uid lookup for ${JSON.stringify(name)}: ${unknown(name, 'passwd')}`,
  )
}

function findGroup(text: string, groups: readonly Entry[]): string {
  const found = groups.find(({ name, id }) => (isId(text) ? id === text : name === text))
  if (found !== undefined) return found.name
  throw new InvalidArgumentError(
    isId(text)
      ? `Gid ${text} has no entry in /etc/passwd: ${unknown(text, 'group')}`
      : `Error during groupname lookup for ${JSON.stringify(text)}: ${unknown(text, 'group')}`,
  )
}

/** dockerd looks where getent(1) does. */
function unknown(text: string, database: 'passwd' | 'group'): string {
  return `getent unable to find entry ${JSON.stringify(text)} in ${database} database`
}

function ownGroup(user: string, groups: readonly Entry[]): string {
  if (groups.some(({ name }) => name === user)) return user
  throw new InvalidArgumentError(
    `Error during gid lookup for ${JSON.stringify(user)}: ${unknown(user, 'group')}`,
  )
}

/**
 * The ids that a user's containers have: its subordinate ranges (subuid(5), subgid(5)) one after another, from 0 on.
 * dockerd takes both by the user's name.
 * @throws InvalidArgumentError when there are none
 */
export function subordinateIds(user: string, files: UserFiles): IdMap {
  const uid = entries(files.passwd).find(({ name }) => name === user)?.id
  const ranges = (text: string, kind: string): IdMapping[] => {
    const found = stacked(text, [user, ...(uid === undefined ? [] : [uid])])
    if (found.length === 0) {
      throw new InvalidArgumentError(
        `Can't create ID mappings: no ${kind} ranges found for user ${JSON.stringify(user)}`,
      )
    }
    return found
  }
  return { uids: ranges(files.subuid, 'subuid'), gids: ranges(files.subgid, 'subgid') }
}

/** The lowest range of 65536 ids, from 100000 on, that no line of the file has. */
export function freeRange(text: string): { readonly first: number; readonly last: number } {
  const taken = subordinateLines(text).sort((a, b) => a.hostId - b.hostId)
  let first = 100_000
  for (const { hostId, size } of taken) {
    if (hostId < first + 65_536 && hostId + size > first) first = hostId + size
  }
  return { first, last: first + 65_535 }
}

function stacked(text: string, owners: readonly string[]): IdMapping[] {
  let containerId = 0
  return subordinateLines(text)
    .filter(({ owner }) => owners.includes(owner))
    .map(({ hostId, size }) => {
      const mapping = { containerId, hostId, size }
      containerId += size
      return mapping
    })
}

function subordinateLines(text: string): { owner: string; hostId: number; size: number }[] {
  return lines(text).flatMap(([owner = '', first = '', count = '']) =>
    isId(first) && isId(count) && Number(count) > 0
      ? [{ owner, hostId: Number(first), size: Number(count) }]
      : [],
  )
}

interface Entry {
  readonly name: string
  readonly id: string
}

/** Both passwd(5) and group(5) have the id in the third field. */
function entries(text: string): readonly Entry[] {
  return lines(text).flatMap(([name = '', , id = '']) => (isId(id) ? [{ name, id }] : []))
}

function lines(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(':'))
}

function isId(text: string): boolean {
  return /^\d+$/.test(text) && Number(text) <= MAX_ID
}
