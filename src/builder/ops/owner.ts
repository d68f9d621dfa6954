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
 * Without a group, the user's number is the group too, as Docker has it.
 * @throws InvalidArgumentError when a name is not there.
 */
export async function resolveOwner(root: string, text: string): Promise<Owner> {
  const [user = '', group] = text.split(':', 2)
  const uid = await resolveName(root, { name: user, file: 'etc/passwd', kind: 'user' })
  const gid =
    group === undefined || group === ''
      ? uid
      : await resolveName(root, { name: group, file: 'etc/group', kind: 'group' })
  return { uid, gid }
}

async function resolveName(
  root: string,
  wanted: { name: string; file: string; kind: string },
): Promise<number> {
  if (/^\d+$/.test(wanted.name)) return Number(wanted.name)
  let text = ''
  try {
    text = await readFile(resolveBeneath(root, wanted.file), 'utf8')
  } catch {
    // An image without the file knows no names.
  }
  for (const line of text.split('\n')) {
    const [name, , id] = line.split(':')
    if (name === wanted.name && id !== undefined && /^\d+$/.test(id)) return Number(id)
  }
  throw new InvalidArgumentError(
    `unable to convert uid/gid chown string to host mapping: can't find ${wanted.kind === 'user' ? 'uid' : 'gid'} for ${wanted.kind} ${wanted.name}: no such ${wanted.kind}: ${wanted.name}`,
  )
}
