import { createWriteStream } from 'node:fs'
import { chmod, lchown, link, lstat, lutimes, mkdir, rm, symlink } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { extract as tarExtract } from 'tar-stream'
import type { Header } from 'tar-stream'
import { InvalidArgumentError } from '#errors/errors.ts'

type Entry = NodeJS.ReadableStream & { readonly header: Header }

/** Where and how an archive is unpacked. */
export interface UnpackOptions {
  readonly folder: string
  /** Changes the first part of each name. */
  readonly rename?: (name: string) => string
  /** Give the files the owners that the archive says. */
  readonly owners: boolean
  readonly onBytes?: (sizeBytes: number) => void
}

/**
 * Unpacks an archive that may be hostile: no entry lands outside the folder, neither by `..` in its name nor
 * through a link that the archive itself has made.
 */
export async function unpackTree(tar: AsyncIterable<Uint8Array>, options: UnpackOptions): Promise<void> {
  const made = new Set<string>()
  const folders: { path: string; header: Header }[] = []
  const extract = tarExtract()
  const feeding = (async () => {
    for await (const chunk of tar) {
      if (!extract.write(chunk)) await new Promise<void>((resolve) => extract.once('drain', () => resolve()))
    }
    extract.end(undefined)
  })()
  feeding.catch((error: unknown) =>
    extract.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  for await (const entry of extract as unknown as AsyncIterable<Entry>) {
    const path = placeOf(entry.header.name, { options, made })
    await writeEntry(entry, { path, options, made })
    if (entry.header.type === 'directory') folders.push({ path, header: entry.header })
    options.onBytes?.(entry.header.size ?? 0)
    entry.resume()
  }
  await feeding
  // Last, because writing into a folder changes its time and needs its permission.
  for (const { path, header } of folders.toReversed()) await applyTimes(path, header)
}

function placeOf(
  name: string,
  { options, made }: { options: UnpackOptions; made: ReadonlySet<string> },
): string {
  const clean = normalize(`/${options.rename?.(name) ?? name}`)
    .slice(1)
    .replace(/\/$/, '')
  let at = options.folder
  for (const part of clean.split('/').slice(0, -1)) {
    at = join(at, part)
    if (made.has(at))
      throw new InvalidArgumentError(
        `invalid archive: ${JSON.stringify(name)} goes through a link of the archive`,
      )
  }
  return clean === '' ? options.folder : join(options.folder, clean)
}

async function writeEntry(
  entry: Entry,
  { path, options, made }: { path: string; options: UnpackOptions; made: Set<string> },
): Promise<void> {
  const { header } = entry
  const before = await lstat(path).catch(() => null)
  if (header.type === 'directory') {
    if (before !== null && !before.isDirectory()) await rm(path)
    await mkdir(path, { recursive: true })
  } else {
    if (before?.isDirectory() === true)
      throw new InvalidArgumentError(`cannot overwrite directory ${JSON.stringify(path)} with non-directory`)
    if (before !== null) await rm(path)
    await mkdir(dirname(path), { recursive: true })
    made.delete(path)
    if (!(await writeLeaf(entry, { path, options, made }))) return
  }
  if (options.owners) await lchown(path, header.uid ?? 0, header.gid ?? 0)
  if (header.type === 'symlink' || header.type === 'link') return
  await chmod(path, header.mode ?? 0o644)
  if (header.type !== 'directory') await applyTimes(path, header)
}

/** @returns false for what an ordinary archive has no business to make here (devices), which is left out. */
async function writeLeaf(
  entry: Entry,
  { path, options, made }: { path: string; options: UnpackOptions; made: Set<string> },
): Promise<boolean> {
  const { header } = entry
  switch (header.type) {
    case 'symlink':
      await symlink(header.linkname ?? '', path)
      made.add(path)
      return true
    case 'link': {
      const target = placeOf(header.linkname ?? '', { options, made })
      if (made.has(target))
        throw new InvalidArgumentError(`invalid archive: hard link ${JSON.stringify(header.name)} to a link`)
      await link(target, path)
      return true
    }
    case 'file':
    case 'contiguous-file':
      await pipeline(entry, createWriteStream(path, { flags: 'wx' }))
      return true
    default:
      return false
  }
}

async function applyTimes(path: string, { mtime }: Header): Promise<void> {
  if (mtime !== undefined) await lutimes(path, mtime, mtime)
}
