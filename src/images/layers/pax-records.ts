import { InvalidArgumentError } from '#errors/errors.ts'

/** What a pax extended header changes of the entry after it. */
export interface PaxRecords {
  name?: string
  linkName?: string
  sizeBytes?: number
  uid?: number
  gid?: number
  mtimeSeconds?: number
  mtimeNanos?: number
  xattrs?: Map<string, Buffer>
  sparse?: PaxSparse
}

/** What pax records say of a sparse file (GNU tar manual, "PAX Format"): 0.0 and 0.1 have the map, 1.0 has it in the content. */
export interface PaxSparse {
  major?: string
  name?: string
  sizeBytes?: number
  /** Offsets and lengths by turns. */
  map: number[]
}

const SPARSE = 'GNU.sparse.'

const XATTR = 'SCHILY.xattr.'
const SPACE = 0x20
const NEWLINE = 0x0a
const EQUALS = 0x3d

/**
 * Parses the body of a pax header: records `length key=value\n` (POSIX.1-2017, pax, "pax Extended Header").
 * A record with an empty value takes back what an earlier one said.
 * @throws InvalidArgumentError when it is malformed.
 */
export function parsePaxRecords(body: Buffer): PaxRecords {
  const records: PaxRecords = {}
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(SPACE, at)
    const lengthText = space === -1 ? '' : body.toString('latin1', at, space)
    const end = /^[1-9][0-9]{0,9}$/.test(lengthText) ? at + Number(lengthText) : -1
    if (end > body.length || end <= space + 2 || body[end - 1] !== NEWLINE) throw malformed()
    const equals = body.indexOf(EQUALS, space + 1)
    if (equals === -1 || equals >= end) throw malformed()
    apply(records, body.toString('latin1', space + 1, equals), body.subarray(equals + 1, end - 1))
    at = end
  }
  return records
}

function apply(records: PaxRecords, key: string, value: Buffer): void {
  if (key.startsWith(XATTR)) {
    records.xattrs ??= new Map()
    records.xattrs.set(key.slice(XATTR.length), Buffer.from(value))
    return
  }
  if (key.startsWith(SPARSE)) {
    setSparse((records.sparse ??= { map: [] }), key.slice(SPARSE.length), value.toString('latin1'))
    return
  }
  const text = value.toString('latin1')
  switch (key) {
    case 'path':
      setOrTakeBack(records, 'name', text)
      break
    case 'linkpath':
      setOrTakeBack(records, 'linkName', text)
      break
    case 'size':
    case 'uid':
    case 'gid': {
      const field = key === 'size' ? 'sizeBytes' : key
      if (text === '') delete records[field]
      else records[field] = integer(text)
      break
    }
    case 'mtime':
      setTime(records, text)
      break
    default: // atime, ctime, uname, comment …: nothing a layer keeps
  }
}

function setSparse(sparse: PaxSparse, key: string, text: string): void {
  switch (key) {
    case 'major':
      sparse.major = text
      break
    case 'name':
      if (text.includes('\0')) throw malformed()
      sparse.name = text
      break
    case 'size':
    case 'realsize':
      sparse.sizeBytes = integer(text)
      break
    case 'offset':
    case 'numbytes':
      sparse.map.push(integer(text))
      break
    case 'map':
      sparse.map = text === '' ? [] : text.split(',').map(integer)
      break
    default: // minor, numblocks: the map itself says it
  }
}

function setOrTakeBack(records: PaxRecords, field: 'name' | 'linkName', text: string): void {
  if (text.includes('\0')) throw malformed()
  if (text === '') delete records[field]
  else records[field] = text
}

function setTime(records: PaxRecords, text: string): void {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text)
  if (match === null) {
    if (text !== '') throw malformed()
    delete records.mtimeSeconds
    delete records.mtimeNanos
    return
  }
  const [, sign, whole, fraction = ''] = match
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'))
  const before = sign === '-'
  // A time before 1970 counts its fraction down from the second before.
  records.mtimeSeconds = before ? -Number(whole) - (nanos > 0 ? 1 : 0) : Number(whole)
  records.mtimeNanos = before && nanos > 0 ? 1_000_000_000 - nanos : nanos
}

function integer(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(value)) throw malformed()
  return value
}

function malformed(): InvalidArgumentError {
  return new InvalidArgumentError('archive/tar: invalid tar header')
}
