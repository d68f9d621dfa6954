import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { InvalidArgumentError } from '#errors/errors.ts'

/** How the files of a volume are mounted: the arguments of mount(2). */
export interface LocalMount {
  readonly source: string
  readonly fstype: string
  readonly flags: number
  readonly data: string
}

/** Options that mean each other: one without the other cannot be mounted. */
const NEEDS: Readonly<Record<string, readonly string[]>> = {
  device: ['type'],
  type: ['device'],
  o: ['device', 'type'],
}

/**
 * Checks the options of the local driver (`type`, `device`, `o`).
 * @throws InvalidArgumentError in dockerd's words, without the volume's name.
 */
export function checkLocalOptions(options: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(options)) {
    if (name === 'size') {
      throw new InvalidArgumentError('quota size requested but no quota support')
    }
    if (!Object.hasOwn(NEEDS, name)) throw new InvalidArgumentError(`invalid option: ${JSON.stringify(name)}`)
  }
  for (const [name, needed] of Object.entries(NEEDS)) {
    if (!Object.hasOwn(options, name)) continue
    const missing = needed.find((other) => !Object.hasOwn(options, other))
    if (missing !== undefined) {
      throw new InvalidArgumentError(`missing required option: ${JSON.stringify(missing)}`)
    }
  }
}

/** Flags of mount(2) by their words in mount(8); a negative number clears. */
const FLAGS: Readonly<Record<string, number>> = {
  ro: 0x1,
  rw: -0x1,
  nosuid: 0x2,
  suid: -0x2,
  nodev: 0x4,
  dev: -0x4,
  noexec: 0x8,
  exec: -0x8,
  sync: 0x10,
  async: -0x10,
  dirsync: 0x80,
  noatime: 0x400,
  atime: -0x400,
  nodiratime: 0x800,
  diratime: -0x800,
  bind: 0x1000,
  rbind: 0x5000,
  relatime: 1 << 21,
  norelatime: -(1 << 21),
  strictatime: 1 << 24,
  nostrictatime: -(1 << 24),
  unbindable: 1 << 17,
  private: 1 << 18,
  rprivate: (1 << 18) | 0x4000,
  slave: 1 << 19,
  rslave: (1 << 19) | 0x4000,
  shared: 1 << 20,
  rshared: (1 << 20) | 0x4000,
  defaults: 0,
}

/**
 * What to mount for checked options, or null when there are none. The server of a network file system is looked up
 * here: the kernel takes addresses only.
 */
export async function localMount(options: Readonly<Record<string, string>>): Promise<LocalMount | null> {
  const { type, device, o } = options
  if (type === undefined || device === undefined) return null
  let flags = 0
  const data: string[] = []
  for (const word of (o ?? '').split(',').filter((text) => text !== '')) {
    const flag = FLAGS[word]
    if (flag === undefined) data.push(await withAddress(word, type))
    else if (flag < 0) flags &= ~-flag
    else flags |= flag
  }
  return { source: device, fstype: type, flags, data: data.join(',') }
}

async function withAddress(word: string, type: string): Promise<string> {
  if (!word.startsWith('addr=') || !/^(nfs|cifs)/.test(type)) return word
  const host = word.slice('addr='.length)
  if (isIP(host) !== 0) return word
  const { address } = await lookup(host)
  return `addr=${address}`
}
