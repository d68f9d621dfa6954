import { errnoOf } from '#errors/errors.ts'
import { mount, mountFs } from '#kernel/mounts.ts'

/** What an overlay is made of. Without an upper directory it is read-only. */
export interface OverlayRequest {
  /** Lowest first. */
  readonly lowers: readonly string[]
  readonly upper?: string
  readonly work?: string
}

/**
 * Options that keep an upper directory a plain layer: nothing in it may refer to what is beneath
 * (Documentation/filesystems/overlayfs.rst, "Metadata only copy up", "Renaming directories", "Inode index").
 */
const PLAIN: readonly string[] = ['index=off', 'metacopy=off', 'redirect_dir=off']

/** Mounts an overlay. @throws KernelError */
export function mountOverlay(target: string, request: OverlayRequest): void {
  try {
    mountLongOverlay(target, request)
  } catch (error) {
    // `lowerdir+` is younger than overlayfs (Linux 6.5).
    if (errnoOf(error) !== 'EINVAL') throw error
    mount(target, { source: 'overlay', fstype: 'overlay', data: overlayOptions(request) })
  }
}

function mountLongOverlay(target: string, request: OverlayRequest): void {
  const parameters: [string, string | null][] = [['source', 'overlay']]
  for (const lower of topFirst(request.lowers)) parameters.push(['lowerdir+', lower])
  if (request.upper !== undefined && request.work !== undefined) {
    parameters.push(['upperdir', request.upper], ['workdir', request.work])
    for (const option of PLAIN) parameters.push(option.split('=') as [string, string])
  }
  mountFs(target, 'overlay', { parameters })
}

/** The options as one text, the way `mount -o` takes them. @param plain further options of one with an upper directory */
export function overlayOptions(request: OverlayRequest, plain: readonly string[] = PLAIN): string {
  const parts = [`lowerdir=${topFirst(request.lowers).map(escaped).join(':')}`]
  if (request.upper !== undefined && request.work !== undefined) {
    parts.push(`upperdir=${escaped(request.upper)}`, `workdir=${escaped(request.work)}`, ...plain)
  }
  return parts.join(',')
}

/**
 * A layer may be in an image twice (two steps that changed nothing); the kernel refuses a directory twice (ELOOP). What
 * stands higher hides all that the same layer adds further down, so only the highest is needed.
 */
function topFirst(lowers: readonly string[]): string[] {
  return [...new Set(lowers.toReversed())]
}

function escaped(path: string): string {
  return path.replace(/[\\:,]/g, (character) => `\\${character}`)
}
