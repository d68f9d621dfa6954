import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type Header } from 'tar-stream'
import type { BaseView } from './base-view.ts'
import type { PlacedFile } from './placement.ts'

/**
 * Tells whether a layer holds just these files, times aside. A layer of another builder may also name directories
 * that are there already.
 */
export async function isLayerOf(
  files: readonly PlacedFile[],
  layer: { readonly tar: Readable; readonly base: BaseView; readonly signal: AbortSignal },
): Promise<boolean> {
  const wanted = new Map<string, string>()
  // Names of one file and attributes are not compared: a layer with them is made again.
  if (files.some((file) => file.inode !== null || file.xattrs.size > 0)) return false
  for (const file of files) if (file.isKept !== true) wanted.set(file.target, await describePlaced(file))
  const found = new Map<string, string>()
  const parser = extract()
  parser.on('entry', (header, stream, next) => {
    void describeEntry(header, stream).then(
      (text) => {
        found.set(pathOf(header.name), text)
        next()
      },
      (error: unknown) => parser.destroy(error as Error),
    )
  })
  await pipeline(layer.tar, parser, { signal: layer.signal })
  for (const [path, text] of found) {
    if (wanted.get(path) === text) continue
    const isKnownDirectory =
      !wanted.has(path) && text.startsWith('directory ') && layer.base.kind(path) === 'directory'
    if (!isKnownDirectory) return false
  }
  return [...wanted.keys()].every((path) => found.has(path))
}

function pathOf(name: string): string {
  return `/${name.replace(/^\.?\//, '').replace(/\/$/, '')}`
}

async function describePlaced(file: PlacedFile): Promise<string> {
  const { type, mode, uid, gid } = file
  let content = ''
  if (type === 'symlink') content = file.text
  else if (type === 'file')
    content =
      file.path === null
        ? await digest(Readable.from([file.text]))
        : await digest(createReadStream(file.path))
  return `${type} ${type === 'symlink' ? '' : mode} ${uid}:${gid} ${content}`
}

async function describeEntry(header: Header, stream: AsyncIterable<unknown>): Promise<string> {
  const { type, mode = 0, uid = 0, gid = 0 } = header
  const content = await digest(stream)
  const shown = type === 'symlink' ? (header.linkname ?? '') : type === 'file' ? content : ''
  return `${String(type)} ${type === 'symlink' ? '' : mode & 0o7777} ${uid}:${gid} ${shown}`
}

async function digest(source: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of source) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
