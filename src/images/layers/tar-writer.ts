import type { TarEntry, TarEntryType } from './tar-entry.ts'
import { BLOCK_BYTES } from './tar-header.ts'

/** What a tar header says; the content follows it. */
export type TarRecord = Omit<TarEntry, 'dataOffset'>

const FLAGS: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}

const MAX_OCTAL_7 = 0o7777777
const MAX_OCTAL_11 = 0o77777777777

/** The end of an archive: two blocks of zero. */
export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK_BYTES)

/** How many bytes of zero fill the last block of content of this length. */
export function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES
}

/**
 * The header of an entry: one ustar block, with a pax header before it for what does not fit (long or non-ASCII
 * names, large numbers, extended attributes). Equal records give equal bytes. Times are written in whole seconds, as
 * Docker does.
 */
export function packEntry(record: TarRecord): Buffer {
  const pax = paxRecords(record)
  const header = packHeader(record, FLAGS[record.type])
  if (pax.length === 0) return header
  const body = Buffer.concat(pax)
  const paxHeader = packHeader({ ...PAX_DEFAULTS, name: paxName(record.name), sizeBytes: body.length }, 'x')
  return Buffer.concat([paxHeader, body, Buffer.alloc(paddingOf(body.length)), header])
}

const PAX_DEFAULTS: TarRecord = {
  type: 'file',
  name: '',
  linkName: '',
  mode: 0,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSeconds: 0,
  mtimeNanos: 0,
  devMajor: 0,
  devMinor: 0,
  xattrs: null,
}

function paxName(name: string): string {
  const slash = name.replace(/\/$/, '').lastIndexOf('/')
  return `${name.slice(0, slash + 1)}PaxHeaders.0/${name.slice(slash + 1)}`.slice(0, 100)
}

function paxRecords(record: TarRecord): Buffer[] {
  const records: Buffer[] = []
  if (!fits(record.name)) records.push(paxRecord('path', record.name))
  if (!fits(record.linkName)) records.push(paxRecord('linkpath', record.linkName))
  if (record.sizeBytes > MAX_OCTAL_11) records.push(paxRecord('size', String(record.sizeBytes)))
  if (record.uid > MAX_OCTAL_7) records.push(paxRecord('uid', String(record.uid)))
  if (record.gid > MAX_OCTAL_7) records.push(paxRecord('gid', String(record.gid)))
  if (record.mtimeSeconds < 0 || record.mtimeSeconds > MAX_OCTAL_11) {
    records.push(paxRecord('mtime', String(record.mtimeSeconds)))
  }
  for (const [name, value] of [...(record.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    records.push(paxRecord(`SCHILY.xattr.${name}`, value.toString('latin1')))
  }
  return records
}

function fits(name: string): boolean {
  if (name.length > 100) return false
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) > 126) return false
  return true
}

function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`
  // The length counts its own digits.
  let length = rest.length + String(rest.length).length
  if (String(length).length > String(rest.length).length) length += 1
  return Buffer.from(`${length}${rest}`, 'latin1')
}

function packHeader(record: TarRecord, flag: string): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(record.name.slice(0, 100), 0, 'latin1')
  octal(block, 100, 8, record.mode & 0o7777)
  octal(block, 108, 8, record.uid > MAX_OCTAL_7 ? 0 : record.uid)
  octal(block, 116, 8, record.gid > MAX_OCTAL_7 ? 0 : record.gid)
  octal(block, 124, 12, record.sizeBytes > MAX_OCTAL_11 ? 0 : record.sizeBytes)
  octal(
    block,
    136,
    12,
    record.mtimeSeconds < 0 || record.mtimeSeconds > MAX_OCTAL_11 ? 0 : record.mtimeSeconds,
  )
  block.write(flag, 156, 'latin1')
  block.write(record.linkName.slice(0, 100), 157, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  octal(block, 329, 8, record.devMajor)
  octal(block, 337, 8, record.devMinor)
  block.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1')
}
