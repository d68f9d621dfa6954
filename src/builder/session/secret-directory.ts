import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { newId, shortId } from '#base/ids.ts'
import { KernelError } from '#errors/errors.ts'
import { mountFs, umountAll } from '#kernel/mounts.ts'

/** A directory in memory for what must never be on a disk. Disposing of it takes it and all in it away. */
export interface SecretDirectory extends AsyncDisposable {
  readonly path: string
}

/** Room for secrets: each is at most 500 KiB, as BuildKit has it. */
const SIZE = '16m'

/**
 * Mounts a tmpfs of its own beneath `root`, readable by root alone. The directory is made first: a daemon that dies
 * leaves one that `sweepSecretDirectories` finds.
 */
export async function openSecretDirectory(root: string): Promise<SecretDirectory> {
  const path = join(root, shortId(newId()))
  await mkdir(path, { recursive: true, mode: 0o700 })
  mountMemory(path)
  return { path, [Symbol.asyncDispose]: () => remove(path) }
}

/** Takes away what a dead daemon left. */
export async function sweepSecretDirectories(root: string): Promise<void> {
  const names = await readdir(root).catch(() => [])
  for (const name of names) await remove(join(root, name))
}

function mountMemory(path: string): void {
  const parameters: [string, string | null][] = [
    ['size', SIZE],
    ['mode', '0700'],
  ]
  const flags = 2 | 4 | 8
  try {
    // Linux 6.4: never written to swap.
    mountFs(path, 'tmpfs', { parameters: [...parameters, ['noswap', null]], flags })
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    mountFs(path, 'tmpfs', { parameters, flags })
  }
}

async function remove(path: string): Promise<void> {
  umountAll(path)
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}
