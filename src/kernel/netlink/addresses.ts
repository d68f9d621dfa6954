import { isIPv4, isIPv6 } from 'node:net'

/** The bytes of an IP address in network order: 4 or 16. @throws RangeError when the text is no address. */
export function ipToBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  if (!isIPv6(text)) throw new RangeError(`invalid IP address ${JSON.stringify(text)}`)
  const bytes = Buffer.alloc(16)
  const [withoutZone = ''] = text.split('%')
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(withoutZone)
  const plain =
    dotted === null
      ? withoutZone
      : `${dotted[1] ?? ''}${hexPair(dotted[2], dotted[3])}:${hexPair(dotted[4], dotted[5])}`
  const [head = '', tail] = plain.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  left.forEach((group, index) => bytes.writeUInt16BE(parseInt(group, 16), index * 2))
  right.forEach((group, index) => bytes.writeUInt16BE(parseInt(group, 16), 16 - (right.length - index) * 2))
  return bytes
}

function hexPair(high = '0', low = '0'): string {
  return ((Number(high) << 8) | Number(low)).toString(16)
}

/** The canonical text of an address of 4 or 16 bytes (RFC 5952 for IPv6). */
export function bytesToIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const view = Buffer.from(bytes)
  const groups = Array.from({ length: 8 }, (_, index) => view.readUInt16BE(index * 2))
  let best = { start: -1, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.start === -1) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}

/** The six bytes of a MAC address. @throws RangeError. */
export function macToBytes(text: string): Buffer {
  if (!/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text))
    throw new RangeError(`invalid MAC address ${JSON.stringify(text)}`)
  return Buffer.from(text.replaceAll(/[:-]/g, ''), 'hex')
}

/** `02:42:ac:11:00:02`. */
export function bytesToMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}
