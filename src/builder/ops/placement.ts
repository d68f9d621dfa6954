import { posix } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { BaseView } from './base-view.ts'
import type { CopyRequest } from './copy-request.ts'
import { applyMode } from './file-mode.ts'
import { PLAIN, type SelectedFile, type SelectedSource } from './file-selection.ts'
import type { Owner } from './owner.ts'

/** An entry of the new layer. */
export interface PlacedFile extends SelectedFile {
  /** Where it goes: absolute in the image. */
  readonly target: string
  /** A directory of the base as it is, above something new. */
  readonly isKept?: true
}

/** What decides where sources go and whose they become. */
export interface PlacementContext {
  readonly base: BaseView
  readonly workdir: string
  /** From `--chown`; null: as the source says. */
  readonly owner: Owner | null
  /** For directories that the placement makes on its way. */
  readonly now: number
}

/**
 * Decides where each source goes (Dockerfile reference, COPY): a directory's content goes into the destination, a
 * file goes into a destination that is a directory or ends in a slash, else it becomes the destination.
 * Missing directories on the way are made, 0755. Later sources win.
 * @throws InvalidArgumentError when several sources would become one file.
 */
export function placeSources(
  request: CopyRequest,
  sources: readonly SelectedSource[],
  context: PlacementContext,
): PlacedFile[] {
  const { base } = context
  const destination = posix.resolve('/', context.workdir, request.destination)
  const intoDirectory = request.destination.endsWith('/') || base.kind(destination) === 'directory'
  if (sources.length > 1 && !intoDirectory) {
    throw new InvalidArgumentError(
      `When using ${request.keyword} with more than one source file, the destination must be a directory and end with a /`,
    )
  }
  const placed = new Map<string, PlacedFile>()
  const put = (target: string, file: SelectedFile): void => {
    // A directory that is there already keeps its mode and owner.
    if (file.type === 'directory' && (placed.has(target) || base.kind(target) === 'directory')) return
    addParents(placed, target, context)
    placed.delete(target)
    placed.set(target, { ...file, target })
  }
  for (const [index, source] of sources.entries()) {
    const root = rootOf(source, { destination, intoDirectory, parents: request.parents })
    for (const file of source.files) {
      const target = base.real(posix.join(root, file.name))
      // Files are names of one file only among those that come together.
      const inode = file.inode === null ? null : `${index}:${file.inode}`
      put(target, { ...(source.isUnpacked ? file : owned(file, request, context)), inode })
    }
  }
  return [...placed.values()]
}

function rootOf(
  source: SelectedSource,
  at: { readonly destination: string; readonly intoDirectory: boolean; readonly parents: boolean },
): string {
  if (at.parents) {
    return posix.join(at.destination, source.relativePath)
  }
  if (source.isDirectory || !at.intoDirectory) return at.destination
  return posix.join(at.destination, source.baseName)
}

function owned(file: SelectedFile, request: CopyRequest, context: PlacementContext): SelectedFile {
  const mode =
    request.chmod === null || file.type === 'symlink'
      ? file.mode
      : applyMode(file.mode, request.chmod, file.type === 'directory')
  return { ...file, ...context.owner, mode }
}

function addParents(placed: Map<string, PlacedFile>, target: string, context: PlacementContext): void {
  const missing: string[] = []
  let path = posix.dirname(target)
  for (
    ;
    path !== '/' && !placed.has(path) && context.base.kind(path) !== 'directory';
    path = posix.dirname(path)
  )
    missing.unshift(path)
  if (!placed.has(path)) for (const kept of keptDirectories(path, context.base)) placed.set(kept.target, kept)
  for (const made of missing) placed.set(made, { ...directory(context.owner, context.now), target: made })
}

/**
 * A directory of the base and those above it, to stand in the new layer: overlayfs shows the mode and owner of the
 * uppermost layer that has the directory.
 */
function keptDirectories(path: string, base: BaseView): PlacedFile[] {
  const kept: PlacedFile[] = []
  for (let at = path; at !== '/'; at = posix.dirname(at)) {
    const found = base.directory(at)
    if (found !== null) kept.unshift({ ...directory(null, 0), ...found, target: at, isKept: true })
  }
  return kept
}

/** A new directory as the builder makes it. */
export function directory(owner: Owner | null, now: number): SelectedFile {
  return {
    name: '',
    path: null,
    type: 'directory',
    mode: 0o755,
    uid: owner?.uid ?? 0,
    gid: owner?.gid ?? 0,
    sizeBytes: 0,
    mtimeMs: now,
    text: '',
    ...PLAIN,
  }
}

/** The directories to make so that `path` is one; none where it is there. */
export function placeDirectory(
  path: string,
  context: { readonly base: BaseView; readonly made: SelectedFile },
): PlacedFile[] {
  const missing: PlacedFile[] = []
  let at = context.base.real(path)
  for (; at !== '/'; at = posix.dirname(at)) {
    const kind = context.base.kind(at)
    if (kind === 'directory') break
    if (kind === 'other')
      throw new InvalidArgumentError(`cannot make the directory "${path}": "${at}" is a file`)
    missing.unshift({ ...context.made, target: at })
  }
  return missing.length === 0 ? [] : [...keptDirectories(at, context.base), ...missing]
}
