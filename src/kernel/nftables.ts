import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { errnoOf, UnavailableError } from '#errors/errors.ts'
import { NetlinkMessage, NLM_F_CREATE, parseAttributes, textOf } from './netlink/message.ts'
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink/socket.ts'

// linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h
const NFNL_MSG_BATCH_BEGIN = 0x10
const NFNL_MSG_BATCH_END = 0x11
const NFNL_SUBSYS_NFTABLES = 10
const NFT_MSG_GETCHAIN = 4
const NFT_MSG_GETRULE = 7
const NFT_MSG_NEWSETELEM = 12
const NFT_MSG_DELSETELEM = 14
const NFT_MSG_GETGEN = 16
const NFPROTO_UNSPEC = 0
const NFPROTO_INET = 1
const NFT_SET_ELEM_INTERVAL_END = 1

/** An attribute's length is 16 bits: so many elements of at most 80 bytes go into one message. */
const ELEMENTS_PER_MESSAGE = 500

/** An element of a set, or of a map when it has a value. Fields of a concatenation are padded to 4 bytes each. */
export interface SetElement {
  readonly set: string
  readonly key: Buffer
  readonly value?: Buffer
  /** For interval sets: the key is the first that is no longer inside. */
  readonly intervalEnd?: boolean
}

/**
 * Applies a script of nft(8) as one transaction: all of it, or nothing.
 * @throws UnavailableError with nft's own words.
 */
export async function applyRuleset(script: string): Promise<void> {
  const nft = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => {
    nft.once('error', reject)
    nft.once('close', resolve)
  })
  // nft may end before it has read everything; what it says then is the error that counts.
  nft.stdin.on('error', () => {})
  nft.stdin.end(script)
  const [code, words] = await Promise.all([ended, text(nft.stderr)]).catch((cause: unknown) => {
    throw new UnavailableError('cannot run nft: install the package nftables', { cause })
  })
  if (code !== 0) throw new UnavailableError(`nft refused the ruleset: ${words.trim()}`)
}

/** A chain of an `inet` table as a script that makes it again, without counts; null when there is none. @throws UnavailableError. */
export async function listChain(table: string, chain: string): Promise<string | null> {
  const nft = spawn('nft', ['--stateless', 'list', 'chain', 'inet', table, chain], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    nft.once('error', reject)
    nft.once('close', resolve)
  })
  const [code, words] = await Promise.all([ended, text(nft.stdout)]).catch((cause: unknown) => {
    throw new UnavailableError('cannot run nft: install the package nftables', { cause })
  })
  return code === 0 ? words : null
}

/** Elements of the sets and maps of one `inet` table, by netlink: no process, a transaction in some tens of microseconds. */
export class NftTable implements Disposable {
  readonly name: string
  readonly #socket: NetlinkSocket

  /** Opens it for the namespace that the thread is in now; the table need not exist yet. */
  constructor(name: string) {
    this.name = name
    this.#socket = NetlinkSocket.open(NETLINK_NETFILTER)
    this.#socket.growSendBuffer(16 << 20)
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]()
  }

  /** Adds elements, all or none. Adding what exists with the same value succeeds. @throws KernelError ENOENT when there is no such set. */
  add(elements: readonly SetElement[]): void {
    if (elements.length > 0) this.#batch(this.#messages(NFT_MSG_NEWSETELEM, elements))
  }

  /** Takes elements out; those that are not there are no error. */
  remove(elements: readonly SetElement[]): void {
    if (elements.length === 0) return
    try {
      this.#batch(this.#messages(NFT_MSG_DELSETELEM, elements))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error
      if (elements.length === 1) return
      const half = elements.length >> 1
      this.remove(elements.slice(0, half))
      this.remove(elements.slice(half))
    }
  }

  /** Takes elements out and adds others, as one transaction. @throws KernelError ENOENT when one to take out is not there. */
  change(removed: readonly SetElement[], added: readonly SetElement[]): void {
    if (removed.length === 0 && added.length === 0) return
    this.#batch([
      ...this.#messages(NFT_MSG_DELSETELEM, removed),
      ...this.#messages(NFT_MSG_NEWSETELEM, added),
    ])
  }

  /** Makes these the only elements of these sets, as one transaction. */
  replace(sets: readonly string[], elements: readonly SetElement[]): void {
    const flushes = sets.map((set) => this.#message(NFT_MSG_DELSETELEM, { set }))
    this.#batch([...flushes, ...this.#messages(NFT_MSG_NEWSETELEM, elements)])
  }

  /** The rules of the table, or of one of its chains, by their handles. */
  rules(chain?: string): readonly { readonly chain: string; readonly handle: bigint }[] {
    const message = new NetlinkMessage(nftMessageType(NFT_MSG_GETRULE), {
      flags: 0,
      fixed: nfgenmsg(NFPROTO_INET, 0),
    }).text(1, this.name)
    if (chain !== undefined) message.text(2, chain)
    return this.#socket.query(message, { dump: true }).flatMap(({ payload }) => {
      const attributes = parseAttributes(payload, 4)
      const [table, of] = [1, 2].map((type) => textOf(attributes.get(type) ?? Buffer.alloc(0)))
      if (table !== this.name || of === undefined || (chain !== undefined && of !== chain)) return []
      return [{ chain: of, handle: attributes.get(3)?.readBigUInt64BE() ?? 0n }]
    })
  }

  hasChain(chain: string): boolean {
    const message = new NetlinkMessage(nftMessageType(NFT_MSG_GETCHAIN), {
      flags: 0,
      fixed: nfgenmsg(NFPROTO_INET, 0),
    })
    try {
      return this.#socket.query(message.text(1, this.name).text(3, chain)).length > 0
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false
      throw error
    }
  }

  /** A number that changes with every transaction of anybody on this namespace's ruleset. */
  generation(): number {
    const message = new NetlinkMessage(nftMessageType(NFT_MSG_GETGEN), {
      flags: 0,
      fixed: nfgenmsg(NFPROTO_UNSPEC, 0),
    })
    const [reply] = this.#socket.query(message)
    return reply?.payload.readUInt32BE(8) ?? 0
  }

  #batch(messages: readonly NetlinkMessage[]): void {
    nftBatch(this.#socket, messages)
  }

  #messages(type: number, elements: readonly SetElement[]): NetlinkMessage[] {
    const messages: NetlinkMessage[] = []
    for (const [set, members] of Map.groupBy(elements, (element) => element.set)) {
      for (let at = 0; at < members.length; at += ELEMENTS_PER_MESSAGE) {
        const part = members.slice(at, at + ELEMENTS_PER_MESSAGE)
        messages.push(
          this.#message(type, { set }).nest(3, (list) => part.forEach((member) => putElement(list, member))),
        )
      }
    }
    return messages
  }

  #message(type: number, options: { readonly set: string }): NetlinkMessage {
    const flags = type === NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0
    return new NetlinkMessage(nftMessageType(type), { flags, fixed: nfgenmsg(NFPROTO_INET, 0) })
      .text(1, this.name)
      .text(2, options.set)
  }
}

function putElement(message: NetlinkMessage, element: SetElement): void {
  message.nest(1, () => {
    message.nest(1, () => message.bytes(1, element.key))
    const { value } = element
    if (value !== undefined) message.nest(2, () => message.bytes(1, value))
    if (element.intervalEnd === true) message.be32(3, NFT_SET_ELEM_INTERVAL_END)
  })
}

/** Sends messages of nf_tables as one transaction. */
export function nftBatch(socket: NetlinkSocket, messages: readonly NetlinkMessage[]): void {
  const edge = (type: number): NetlinkMessage =>
    new NetlinkMessage(type, { flags: 0, fixed: nfgenmsg(NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES) })
  socket.batch([edge(NFNL_MSG_BATCH_BEGIN), ...messages, edge(NFNL_MSG_BATCH_END)])
}

/** The nlmsg_type of an NFT_MSG_*. */
export function nftMessageType(type: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | type
}

/** The header of every nfnetlink message. */
export function nfgenmsg(family: number, resource: number): Buffer {
  const fixed = Buffer.alloc(4)
  fixed.writeUInt8(family, 0)
  fixed.writeUInt16BE(resource, 2)
  return fixed
}
