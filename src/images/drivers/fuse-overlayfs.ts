import { existsSync } from 'node:fs'
import type { IdMap, IdMapping } from '#base/id-map.ts'
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
export async function mountFuseOverlay(
  target: string,
  request: OverlayRequest,
  ids: IdMap | null = null,
): Promise<void> {
  const program = findFuseOverlayfs()
  if (program === null) throw new UnavailableError('fuse-overlayfs is not installed')
  // Without `xattr_permissions` and its like, what it writes is what overlayfs writes: devices 0/0, trusted.overlay.*.
  const { exit, output } = await captureOutput({
    argv: [program, '-o', [overlayOptions(request, []), ...mappingOptions(ids)].join(','), target],
    env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    setsid: true,
  })
  if (exit.exitCode !== 0) throw new UnavailableError(`fuse-overlayfs: ${output.trim() || 'it failed'}`)
}

function mappingOptions(ids: IdMap | null): readonly string[] {
  if (ids === null) return []
  const text = (mappings: readonly IdMapping[]): string =>
    mappings.map(({ containerId, hostId, size }) => [containerId, hostId, size].join(':')).join(':')
  return [`uidmapping=${text(ids.uids)}`, `gidmapping=${text(ids.gids)}`]
}
