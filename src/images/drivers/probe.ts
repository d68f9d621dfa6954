import {
  mkdtempSync,
  rmSync,
  mkdirSync,
  writeFileSync,
  ftruncateSync,
  openSync,
  closeSync,
  writeSync,
  statfsSync,
} from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '#errors/errors.ts'
import { umountAll } from '#kernel/mounts.ts'
import { writeErofsIndex } from '../layers/erofs-index.ts'
import { LayerTree } from '../layers/layer-tree.ts'
import { type ErofsSource, mountErofs } from './erofs-mounts.ts'
import { IdmappedOverlays, type StorageRemap } from './mapped-overlays.ts'
import { mountOverlay, type OverlayRequest } from './overlay-mount.ts'

/** Whether the kernel can do something here, or why not. */
export type Probe<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }

/**
 * Finds out by trying how EROFS layers can be mounted, with an overlay on top, in this directory.
 * @param remap with ids shifted so; null for none
 */
export function probeErofs(directory: string, remap: StorageRemap | null): Probe<ErofsSource> {
  let reason = ''
  for (const source of ['file', 'loop'] as const) {
    const probe = inScratch(directory, (scratch) => {
      const image = join(scratch, 'image')
      const fd = openSync(image, 'w')
      const fileBytes = writeErofsIndex(new LayerTree(), 0, (bytes, offset) =>
        writeSync(fd, bytes, 0, bytes.length, offset),
      )
      ftruncateSync(fd, fileBytes)
      closeSync(fd)
      mountErofs(image, join(scratch, 'layer'), source)
      overlayOn(scratch, remap)
    })
    if (probe === null) return { ok: true, value: source }
    reason = probe
  }
  return { ok: false, reason }
}

/** Finds out by trying whether overlayfs works with directories here. */
export function probeOverlay(directory: string, remap: StorageRemap | null): Probe<ErofsSource> {
  const reason = inScratch(directory, (scratch) => {
    writeFileSync(join(scratch, 'layer', 'file'), '')
    overlayOn(scratch, remap)
  })
  return reason === null ? { ok: true, value: 'file' } : { ok: false, reason }
}

function overlayOn(scratch: string, remap: StorageRemap | null): void {
  const mount =
    remap === null
      ? mountOverlay
      : (target: string, request: OverlayRequest) =>
          new IdmappedOverlays({ directory: join(scratch, 'mapping'), ...remap }).mount(target, request)
  mount(join(scratch, 'merged'), {
    lowers: [join(scratch, 'layer')],
    upper: join(scratch, 'upper'),
    work: join(scratch, 'work'),
  })
}

/** Runs a try in a directory that is removed after; gives null, or why it failed. */
function inScratch(directory: string, attempt: (scratch: string) => void): string | null {
  mkdirSync(directory, { recursive: true })
  const scratch = mkdtempSync(join(directory, '.probe-'))
  try {
    for (const name of ['layer', 'upper', 'work', 'merged']) mkdirSync(join(scratch, name))
    attempt(scratch)
    return null
  } catch (error) {
    return messageOf(error)
  } finally {
    umountAll(join(scratch, 'merged'))
    umountAll(join(scratch, 'layer'))
    rmSync(scratch, { recursive: true, force: true })
  }
}

const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'extfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
  0x6969: 'nfs',
}

/** The file system's name in Docker's words, for `docker info`. */
export function fileSystemName(path: string): string {
  return FILE_SYSTEMS[statfsSync(path).type] ?? '<unknown>'
}
