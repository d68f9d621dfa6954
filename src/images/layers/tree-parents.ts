import { closeSync, constants } from 'node:fs'
import { InvalidArgumentError, errnoOf } from '#errors/errors.ts'
import { mkdirat } from '#kernel/native/files.ts'
import { O_PATH, openIn } from '#kernel/paths.ts'
import { nameText } from './tar-entry.ts'
import { nameArgument } from './tree-remove.ts'

/** Paths longer than PATH_MAX (4096) are walked in parts. */
const PART_BYTES = 3000

/** Opens the directories that entries are made in, beneath a root, making those that are missing. */
export class TreeParents {
  readonly #rootFd: number
  #last: { readonly path: string; readonly fd: number } | null = null

  constructor(rootFd: number) {
    this.#rootFd = rootFd
  }

  /**
   * The fd of a directory, good until the next call. Archives list a directory's files side by side and its
   * directories after it, so the last one found is where the next search begins.
   * @throws InvalidArgumentError when something that is no directory is in the way
   */
  open(names: readonly string[]): number {
    const path = names.join('/')
    if (this.#last?.path === path) return this.#last.fd
    const fd = this.#openBelowLast(path) ?? this.openApart(names)
    this.forget()
    this.#last = { path, fd }
    return fd
  }

  /** As `open`, but the caller closes the fd, and earlier ones stay good. */
  openApart(names: readonly string[]): number {
    let base = this.#rootFd
    for (let at = 0; ;) {
      let end = at
      for (let bytes = 0; end < names.length && bytes < PART_BYTES; end++)
        bytes += (names[end] as string).length + 1
      try {
        // Links are followed from the root only; deeper parts of very long ways hold none that GNU tar would write.
        const next = openOrMake(base, names.slice(at, end), at > 0)
        if (end === names.length) return next
        if (base !== this.#rootFd) closeSync(base)
        base = next
        at = end
      } catch (error) {
        if (base !== this.#rootFd) closeSync(base)
        throw asInvalid(error, names)
      }
    }
  }

  forget(): void {
    if (this.#last !== null) closeSync(this.#last.fd)
    this.#last = null
  }

  #openBelowLast(path: string): number | null {
    if (this.#last === null || this.#last.path === '' || !path.startsWith(`${this.#last.path}/`)) return null
    try {
      const rest = path.slice(this.#last.path.length + 1)
      return openIn(this.#last.fd, nameArgument(rest), {
        flags: O_PATH | constants.O_DIRECTORY,
        noSymlinks: true,
      })
    } catch {
      return null
    }
  }
}

function openOrMake(baseFd: number, names: readonly string[], noSymlinks: boolean): number {
  const flags = O_PATH | constants.O_DIRECTORY
  const open = (count: number): number =>
    openIn(baseFd, nameArgument(names.slice(0, count).join('/')), { flags, noSymlinks })
  try {
    return open(names.length)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
  let parent = open(0)
  for (let count = 1; count <= names.length; count++) {
    try {
      try {
        mkdirat(parent, nameArgument(names[count - 1] as string), 0o755)
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error
      }
    } finally {
      closeSync(parent)
    }
    parent = open(count)
  }
  return parent
}

function asInvalid(error: unknown, names: readonly string[]): unknown {
  const errno = errnoOf(error)
  if (errno === 'ENOTDIR' || errno === 'ELOOP' || errno === 'ENOENT' || errno === 'ENAMETOOLONG') {
    return new InvalidArgumentError(
      `"${nameText(names.join('/'))}" in the archive leads through something that is no directory`,
    )
  }
  return error
}
