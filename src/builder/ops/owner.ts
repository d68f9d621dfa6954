import { readFile } from 'node:fs/promises'
import { InvalidArgumentError } from '#errors/errors.ts'
import { resolveBeneath } from '#kernel/paths.ts'

/** A numeric owner. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * The owner that `--chown=user[:group]` names: numbers as they are, names from the image's own passwd and group.
 * Without a group it is the user's word again, as Docker's classic builder has it, or else the group that passwd
 * gives the user, as BuildKit has it.
 * @throws InvalidArgumentError when a name is not there.
 */
export async function resolveOwner(root: string, text: string): Promise<Owner> {
  const [user = '', group = ''] = text.split(':', 2)
  const passwd = { file: 'etc/passwd', kind: 'user' }
  const uid = await resolveName(root, { ...passwd, name: user, field: 2 })
  if (group !== '') return { uid, gid: await resolveGroup(root, group) }
  const gid = await resolveGroup(root, user).catch(() =>
    resolveName(root, { ...passwd, name: user, field: 3 }),
  )
  return { uid, gid }
}

function resolveGroup(root: string, name: string): Promise<number> {
  return resolveName(root, { name, file: 'etc/group', kind: 'group', field: 2 })
}

async function resolveName(
  root: string,
  wanted: { name: string; file: string; kind: string; field: number },
): Promise<number> {
  if (/^\d+$/.test(wanted.name)) return Number(wanted.name)
  let text = ''
  try {
    text = await readFile(resolveBeneath(root, wanted.file), 'utf8')
  } catch {
    // An image without the file knows no names.
  }
  for (const line of text.split('\n')) {
    const fields = line.split(':')
    const id = fields[wanted.field]
    if (fields[0] === wanted.name && id !== undefined && /^\d+$/.test(id)) return Number(id)
  }
  throw new InvalidArgumentError(
    `unable to convert uid/gid chown string to host mapping: can't find ${wanted.kind === 'user' ? 'uid' : 'gid'} for ${wanted.kind} ${wanted.name}: no such ${wanted.kind}: ${wanted.name}`,
  )
}
