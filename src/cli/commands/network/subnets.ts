/** Whether an address, or all of a subnet, lies in a subnet. Text that is neither lies nowhere. */
export function contains(subnet: string, other: string): boolean {
  const outer = parse(subnet)
  const inner = parse(other)
  if (outer === null || inner === null || outer.bits !== inner.bits || inner.prefix < outer.prefix)
    return false
  const shift = BigInt(outer.bits - outer.prefix)
  return outer.value >> shift === inner.value >> shift
}

interface Block {
  readonly value: bigint
  readonly bits: 32 | 128
  readonly prefix: number
}

function parse(text: string): Block | null {
  const [address = '', length] = text.split('/')
  const bits = address.includes(':') ? 128 : 32
  const value = bits === 128 ? parseV6(address) : parseV4(address)
  const prefix = length === undefined ? bits : Number(length)
  return value === null || !Number.isInteger(prefix) || prefix < 0 || prefix > bits
    ? null
    : { value, bits, prefix }
}

function parseV4(text: string): bigint | null {
  const parts = text.split('.').map(Number)
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return null
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}

function parseV6(text: string): bigint | null {
  const [head = '', tail] = text.split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':'))
  const left = words(head)
  const right = tail === undefined ? [] : words(tail)
  const missing = 8 - left.length - right.length
  if (missing < 0 || (tail === undefined && missing !== 0)) return null
  const all = [...left, ...Array.from({ length: missing }, () => '0'), ...right]
  if (all.some((word) => !/^[0-9a-fA-F]{1,4}$/.test(word))) return null
  return all.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n)
}
