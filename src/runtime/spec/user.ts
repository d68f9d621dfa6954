import { InvalidArgumentError } from '#errors/errors.ts'
import type { OciUser } from './oci-spec.ts'

/** The text of the container's own /etc/passwd and /etc/group; null where it has none. */
export interface UserDatabase {
  readonly passwd: string | null
  readonly group: string | null
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
}
interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/** Ids are signed in the kernel's eyes: Docker refuses more. */
const MAX_ID = 2 ** 31 - 1

/**
 * Finds the ids for `user`, `uid`, `user:group`, `uid:gid` …, with the groups the user is a member of and those of
 * `--group-add`. An empty text is root.
 * @throws InvalidArgumentError in Docker's words when a name is not in the files, or an id is out of range
 */
export function resolveUser(text: string, groupAdd: readonly string[], database: UserDatabase): OciUser {
  const [userText = '', groupText = ''] = text.split(':', 2)
  const users = passwdEntries(database.passwd ?? '')
  const groups = groupEntries(database.group ?? '')
  const entry = findUser(userText, users)
  const uid = entry?.uid ?? asId(userText)
  if (uid === null) {
    throw new InvalidArgumentError(`unable to find user ${userText}: no matching entries in passwd file`)
  }
  const gid = groupText === '' ? (entry?.gid ?? 0) : groupId(groupText, groups)
  // A group given by hand replaces those of the files.
  const memberships =
    groupText === '' && entry !== null
      ? groups.filter((group) => group.members.includes(entry.name)).map((group) => group.gid)
      : []
  const added = groupAdd.map((name) => groupId(name, groups))
  // The primary group is named too: else a set-gid program could drop it and gain by it (CVE-2022-36109).
  return { uid, gid, additionalGids: [...new Set([gid, ...memberships, ...added])] }
}

/** A name is looked for first, then a uid: a user may be called `1000`. An empty text is uid 0. */
function findUser(text: string, users: readonly PasswdEntry[]): PasswdEntry | null {
  const byName = users.find((user) => user.name === text)
  if (byName !== undefined && text !== '') return byName
  const id = text === '' ? 0 : asId(text)
  return users.find((user) => user.uid === id) ?? (text === '' ? { name: 'root', uid: 0, gid: 0 } : null)
}

function groupId(text: string, groups: readonly GroupEntry[]): number {
  const id = groups.find((group) => group.name === text)?.gid ?? asId(text)
  if (id === null)
    throw new InvalidArgumentError(`unable to find group ${text}: no matching entries in group file`)
  return id
}

function asId(text: string): number | null {
  if (!/^-?\d+$/.test(text)) return null
  const id = Number(text)
  if (id < 0 || id > MAX_ID)
    throw new InvalidArgumentError(`uids and gids must be in range 0-${String(MAX_ID)}`)
  return id
}

function passwdEntries(text: string): readonly PasswdEntry[] {
  return lines(text).flatMap(([name, , uid, gid]) =>
    name === undefined || !isNumber(uid)
      ? []
      : [{ name, uid: Number(uid), gid: isNumber(gid) ? Number(gid) : 0 }],
  )
}

function groupEntries(text: string): readonly GroupEntry[] {
  return lines(text).flatMap(([name, , gid, members]) =>
    name === undefined || !isNumber(gid)
      ? []
      : [{ name, gid: Number(gid), members: (members ?? '').split(',') }],
  )
}

function lines(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(':'))
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text)
}
