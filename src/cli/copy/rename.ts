import { basename, dirname } from 'node:path'
import { InvalidArgumentError, NotFoundError } from '#errors/errors.ts'

/** One end of a copy. */
export interface CopyEnd {
  readonly path: string
  readonly exists: boolean
  readonly isDirectory: boolean
}

/** Where an archive is unpacked, and what its top entry is called there. */
export interface Placement {
  readonly folder: string
  /** The top name in the archive becomes this; null keeps it. */
  readonly rename: { readonly from: string; readonly to: string } | null
}

const endsAsFolder = (path: string): boolean => path.endsWith('/') || path === '.' || path.endsWith('/.')
const lastName = (path: string): string => basename(path.replace(/\/+$/, ''))

/** The name of a source's top entry in its archive: '.' for `dir/.`, which stands for the contents. */
export const archiveName = (source: string): string =>
  source === '.' || source.endsWith('/.') ? '.' : lastName(source) || '/'

/**
 * Decides where a copy lands, as `cp -a` would: into a folder that exists, over a file, or under a new name.
 * @throws InvalidArgumentError, NotFoundError in Docker's words.
 */
export function placeCopy(source: CopyEnd, target: CopyEnd): Placement {
  const from = archiveName(source.path)
  if (target.exists && target.isDirectory) return { folder: target.path, rename: null }
  if (target.exists && source.isDirectory) throw new InvalidArgumentError('cannot copy directory')
  if (target.exists && endsAsFolder(target.path)) throw new InvalidArgumentError('not a directory')
  if (!target.exists && !source.isDirectory && endsAsFolder(target.path))
    throw new NotFoundError('no such directory')
  return {
    folder: dirname(target.path.replace(/(?<=.)\/+\.?$/, '')),
    rename: { from, to: lastName(target.path) },
  }
}

/** Applies a placement's renaming to an entry's name. */
export function renamed(name: string, { rename }: Placement): string {
  if (rename === null) return name
  const clean = name.replace(/^\.\//, '')
  if (rename.from === '.') return clean === '' || clean === '.' ? `${rename.to}/` : `${rename.to}/${clean}`
  const bare = rename.from.replace(/^\//, '')
  if (bare === '') return `${rename.to}/${clean}`
  return clean === bare || clean.startsWith(`${bare}/`) ? `${rename.to}${clean.slice(bare.length)}` : name
}
