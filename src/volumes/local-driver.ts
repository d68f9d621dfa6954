import { randomBytes } from 'node:crypto'
import { chown, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { Owner } from '#base/id-map.ts'
import { failpoint } from '#base/failpoint.ts'
import type { Logger } from '#base/logger.ts'
import { InvalidArgumentError, WharfError, errnoOf, messageOf } from '#errors/errors.ts'
import { syncDirectory } from '#kernel/fs-sync.ts'
import { isMountPoint, mount, umountAll } from '#kernel/mounts.ts'
import { checkLocalOptions, localMount } from './local-options.ts'
import type { LocalMount } from './local-options.ts'
import type { VolumeDriver } from './volume-driver.ts'

/** What a volume's directory is renamed to while its files go: no volume can have this name. */
const REMOVED_PREFIX = '.removed-'

/** What the options say could not be mounted, in Docker's words (500). */
export class VolumeMountError extends WharfError {
  readonly code = 'kernel'
}

/** Volumes that are directories of the data root, with something mounted on them when their options say so. */
export class LocalDriver implements VolumeDriver {
  readonly name = 'local'
  readonly scope = 'local'
  readonly #directory: string
  readonly #owner: Owner
  readonly #logger: Logger

  /**
   * @param directory `<data-root>/volumes`
   * @param options.owner whom new volumes belong to
   */
  constructor(directory: string, options: { readonly owner: Owner; readonly logger: Logger }) {
    this.#directory = directory
    this.#owner = options.owner
    this.#logger = options.logger
  }

  check(name: string, options: Readonly<Record<string, string>>): void {
    checkName(name)
    try {
      checkLocalOptions(options)
    } catch (error) {
      throw new InvalidArgumentError(`create ${name}: ${messageOf(error)}`, { cause: error })
    }
  }

  async create(name: string): Promise<void> {
    const path = join(this.#directory, name)
    await mkdir(join(path, '_data'), { recursive: true, mode: 0o755 })
    const { uid, gid } = this.#owner
    if (uid !== 0 || gid !== 0) await chown(join(path, '_data'), uid, gid)
    await syncDirectory(path)
    await syncDirectory(this.#directory)
  }

  /** Makes the directory that a lost power took. */
  async restore(name: string): Promise<void> {
    if (!(await exists(this.mountpoint(name)))) await this.create(name)
  }

  mountpoint(name: string): string {
    return join(this.#directory, name, '_data')
  }

  async mount({
    name,
    options,
  }: {
    readonly name: string
    readonly options: Readonly<Record<string, string>>
  }): Promise<string> {
    const path = this.mountpoint(name)
    if (isMountPoint(path)) return path
    let request: LocalMount | null
    try {
      request = await localMount(options)
    } catch (error) {
      const why = `error resolving passed in network volume address: ${messageOf(error)}`
      throw new VolumeMountError(`error while mounting volume '${path}': ${why}`, { cause: error })
    }
    if (request === null) return path
    try {
      mount(path, request)
    } catch (error) {
      throw new VolumeMountError(
        `error while mounting volume '${path}': failed to mount local volume: ${mountFault(path, { request, error })}`,
      )
    }
    return path
  }

  async unmount(name: string, { isLast }: { readonly isLast: boolean }): Promise<void> {
    if (isLast) umountAll(this.mountpoint(name))
  }

  async remove(name: string): Promise<void> {
    umountAll(this.mountpoint(name))
    const removed = join(this.#directory, `${REMOVED_PREFIX}${randomBytes(8).toString('hex')}`)
    await rename(join(this.#directory, name), removed).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
    await failpoint('volumes.remove.renamed')
    this.#sweep(removed)
  }

  /** Goes on with removing files where a crash stopped it, in the background. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith(REMOVED_PREFIX)) this.#sweep(join(this.#directory, name))
    }
  }

  #sweep(path: string): void {
    rm(path, { recursive: true, force: true }).catch((error: unknown) => {
      this.#logger.warn('remove files of a volume', { path, error: messageOf(error) })
    })
  }
}

/** What was to be mounted where, and why it was not, as Docker says it; a password is nobody's to read in a log. */
function mountFault(path: string, of: { readonly request: LocalMount; readonly error: unknown }): string {
  const { source, flags, data } = of.request
  const shownFlags = flags === 0 ? '' : `, flags: 0x${flags.toString(16)}`
  const hidden = data.replace(/(^|,)(password|pass)=[^,]*/g, '$1$2=********')
  const shownData = hidden === '' ? '' : `, data: ${hidden}`
  const errno = constants.errno[(errnoOf(of.error) ?? '') as keyof typeof constants.errno] as
    number | undefined
  const why = errno === undefined ? messageOf(of.error) : getSystemErrorMessage(-errno)
  return `mount ${source}:${path}${shownFlags}${shownData}: ${why}`
}

function checkName(name: string): void {
  if (name.length === 1) {
    throw new InvalidArgumentError(
      `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
    )
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name) || name.length > 255) {
    throw new InvalidArgumentError(
      `create ${name}: ${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    )
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
