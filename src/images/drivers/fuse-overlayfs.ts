import { existsSync } from 'node:fs'
import { UnavailableError } from '#errors/errors.ts'
import { captureOutput } from '#kernel/capture.ts'
import { type OverlayRequest, overlayOptions } from './overlay-mount.ts'

const PLACES = ['/usr/bin/fuse-overlayfs', '/usr/local/bin/fuse-overlayfs']

/** Where the program is, or null. */
export function findFuseOverlayfs(): string | null {
  return PLACES.find((path) => existsSync(path)) ?? null
}

/**
 * Mounts an overlay by fuse-overlayfs(1), for kernels whose overlayfs does not work on the file system at hand. Its
 * server is a process of its own that outlives the daemon and ends with the mount.
 * @throws UnavailableError with what the program said
 */
export async function mountFuseOverlay(target: string, request: OverlayRequest): Promise<void> {
  const program = findFuseOverlayfs()
  if (program === null) throw new UnavailableError('fuse-overlayfs is not installed')
  // Without `xattr_permissions` and its like, what it writes is what overlayfs writes: devices 0/0, trusted.overlay.*.
  const { exit, output } = await captureOutput({
    argv: [program, '-o', overlayOptions(request, []), target],
    env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    setsid: true,
  })
  if (exit.exitCode !== 0) throw new UnavailableError(`fuse-overlayfs: ${output.trim() || 'it failed'}`)
}
