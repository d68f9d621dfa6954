import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Header, type Pack, pack } from 'tar-stream'
import type { PlacedFile } from './placement.ts'

/** Writes placed files as the tar of a layer. `clampMs` is SOURCE_DATE_EPOCH: no time is later than it. */
export function layerTar(
  files: readonly PlacedFile[],
  options: { readonly clampMs: number | null; readonly signal: AbortSignal },
): Readable {
  const archive = pack()
  void write(archive, files, options).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error as Error),
  )
  return Readable.from(archive, { objectMode: false })
}

async function write(
  archive: Pack,
  files: readonly PlacedFile[],
  options: { readonly clampMs: number | null; readonly signal: AbortSignal },
): Promise<void> {
  for (const file of files) {
    const header = headerOf(file, options.clampMs)
    if (file.type !== 'file') {
      archive.entry(header)
    } else if (file.path === null) {
      archive.entry(header, file.text)
    } else {
      const source = createReadStream(file.path, { highWaterMark: 256 * 1024 })
      await pipeline(source, archive.entry(header), { signal: options.signal })
    }
  }
}

function headerOf(file: PlacedFile, clampMs: number | null): Partial<Header> & Pick<Header, 'name'> {
  const mtimeMs = clampMs === null ? file.mtimeMs : Math.min(file.mtimeMs, clampMs)
  return {
    name: file.target.slice(1) + (file.type === 'directory' ? '/' : ''),
    type: file.type,
    mode: file.mode,
    uid: file.uid,
    gid: file.gid,
    size: file.type === 'file' ? file.sizeBytes : 0,
    mtime: new Date(Math.floor(mtimeMs / 1000) * 1000),
    ...(file.type === 'symlink' ? { linkname: file.text } : {}),
  }
}
