import { execFileSync } from 'node:child_process'
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { silentLogger } from '#base/logger.ts'
import { mountTable, umountAll } from '#kernel/mounts.ts'
import { listXattrs, getXattr } from '#kernel/xattrs.ts'
import { LAYER_SCHEMA } from '#images/layers/layer-store.ts'
import { type TarRecord, TAR_END, packEntry, paddingOf } from '#images/layers/tar-writer.ts'
import { SNAPSHOT_SCHEMA } from '#images/snapshot-store.ts'
import { type Storage, openStorage } from '#images/storage.ts'
import { type Database, openDatabase } from '#store/database.ts'
import { scratchDirectory } from '../../support/scratch.ts'

/** A data root with its storage open. Disposing of it unmounts all and closes. */
export interface Opened extends AsyncDisposable {
  readonly root: string
  readonly database: Database
  readonly storage: Storage
}

export function open(driver: string | null, root: string = scratchDirectory('layers')): Opened {
  const database = openDatabase(join(root, 'wharf.db'), [LAYER_SCHEMA, SNAPSHOT_SCHEMA])
  const storage = openStorage({
    database,
    dataRoot: root,
    execRoot: join(root, 'run'),
    driver,
    log: silentLogger,
  })
  return {
    root,
    database,
    storage,
    async [Symbol.asyncDispose]() {
      await storage.close()
      database.close()
      unmountBelow(root)
    },
  }
}

/** Closes without unmounting: what the death of the daemon leaves. */
export async function abandon(opened: Opened): Promise<void> {
  await opened.storage.close()
  opened.database.close()
}

export function unmountBelow(root: string): void {
  const below = mountTable().filter((entry) => entry.mountPoint.startsWith(`${root}/`))
  for (const { mountPoint } of below.toReversed()) umountAll(mountPoint)
}

export type Part = Partial<TarRecord> & { readonly name: string; readonly content?: string | Buffer }

const DEFAULTS: TarRecord = {
  type: 'file',
  name: '',
  linkName: '',
  mode: 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSeconds: 1_700_000_000,
  mtimeNanos: 0,
  devMajor: 0,
  devMinor: 0,
  xattrs: null,
}

/** A tar of these parts, in order. */
export function tarOf(parts: readonly Part[]): Buffer {
  const pieces: Buffer[] = []
  for (const part of parts) {
    const content = Buffer.from(part.content ?? '')
    const isDirectory = part.name.endsWith('/')
    const record = {
      ...DEFAULTS,
      ...(isDirectory ? { type: 'directory' as const, mode: 0o755 } : {}),
      ...part,
    }
    pieces.push(
      packEntry({ ...record, sizeBytes: content.length }),
      content,
      Buffer.alloc(paddingOf(content.length)),
    )
  }
  return Buffer.concat([...pieces, TAR_END])
}

export function streamOf(bytes: Buffer, pieceBytes = 7000): Readable {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes))
  return Readable.from(pieces)
}

export async function bytesOf(stream: Readable): Promise<Buffer> {
  return await buffer(stream)
}

/** All that can be said of a tree, one line for each file, hard links by the first name of the file. */
export function describeTree(root: string): string[] {
  const first = new Map<string, string>()
  const lines: string[] = []
  // Names are bytes here, so that those that are no UTF-8 count too.
  const visit = (name: string, shown: string): void => {
    const path = Buffer.from(name, 'latin1')
    const stat = lstatSync(path, { bigint: true })
    const key = `${stat.dev}:${stat.ino}`
    const facts = [
      shown || '/',
      (stat.mode & 0o177777n).toString(8),
      `${stat.uid}:${stat.gid}`,
      `mtime=${stat.mtimeNs}`,
    ]
    if (!stat.isDirectory()) {
      facts.push(`nlink=${stat.nlink}`, `same=${first.get(key) ?? shown}`)
      if (!first.has(key)) first.set(key, shown)
    }
    if (stat.isSymbolicLink()) facts.push(`to=${readlinkSync(path, { encoding: 'latin1' })}`)
    if (stat.isFile())
      facts.push(`${stat.size} ${createHash('sha1').update(readFileSync(path)).digest('hex')}`)
    if (stat.isCharacterDevice() || stat.isBlockDevice()) facts.push(`rdev=${stat.rdev}`)
    for (const key of [...listXattrs(path)].sort())
      facts.push(`${key}=${getXattr(path, key)?.toString('hex')}`)
    lines.push(facts.join(' '))
    if (!stat.isDirectory()) return
    for (const entry of readdirSync(path, { encoding: 'latin1' }).sort())
      visit(`${name}/${entry}`, `${shown}/${entry}`)
  }
  visit(root, '')
  return lines
}

/** Runs a program for its output. */
export function run(program: string, args: readonly string[], input?: Buffer): string {
  return execFileSync(program, args, {
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
    maxBuffer: 1 << 28,
  })
}
