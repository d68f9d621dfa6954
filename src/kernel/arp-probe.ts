import { closeSync } from 'node:fs'
import { errnoOf } from '#errors/errors.ts'
import { bind, recv, send, socket } from './native/native.ts'
import { bytesToIp, bytesToMac, ipToBytes, macToBytes } from './netlink/addresses.ts'

const AF_PACKET = 17
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o4000 | 0o2000000
const ETH_P_ARP = 0x0806
const ETHERNET_BYTES = 14
const ARP_BYTES = 28
const ARP_REQUEST = 1
const ARP_REPLY = 2

/**
 * Asks whether somebody has an address, by ARP probes (RFC 5227: without an address of one's own). The requests leave by one link, the answers come
 * back to the MAC of another: a bridge and one of its ports. It belongs to the namespace that the thread is in when it is made.
 */
export class ArpProbe implements Disposable {
  readonly #out: number
  readonly #in: number
  readonly #mac: Buffer
  readonly #frame = Buffer.alloc(256)

  /** @param links.out the index of the link that requests leave by; `links.in`, and `links.mac`: where answers arrive. */
  constructor(links: { readonly out: number; readonly in: number; readonly mac: string }) {
    this.#mac = macToBytes(links.mac)
    this.#out = packetSocket(links.out, 0)
    try {
      this.#in = packetSocket(links.in, ETH_P_ARP)
    } catch (error) {
      closeSync(this.#out)
      throw error
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#out)
    closeSync(this.#in)
  }

  /** Asks the one with this MAC. */
  ask(target: { readonly address: string; readonly mac: string }): void {
    const frame = Buffer.alloc(ETHERNET_BYTES + ARP_BYTES)
    frame.set(macToBytes(target.mac), 0)
    frame.set(this.#mac, 6)
    frame.writeUInt16BE(ETH_P_ARP, 12)
    // Ethernet (1), IPv4 (0x0800), lengths of their addresses.
    frame.set([0, 1, 8, 0, 6, 4, 0, ARP_REQUEST], ETHERNET_BYTES)
    frame.set(this.#mac, ETHERNET_BYTES + 8)
    frame.set(ipToBytes(target.address), ETHERNET_BYTES + 24)
    send(this.#out, frame, 0)
  }

  /** Who has answered since the last call. */
  answers(): { readonly address: string; readonly mac: string }[] {
    const answers: { address: string; mac: string }[] = []
    for (;;) {
      let length: number
      try {
        length = recv(this.#in, this.#frame, 0)
      } catch (error) {
        if (['EAGAIN', 'EWOULDBLOCK'].includes(errnoOf(error) ?? '')) return answers
        throw error
      }
      const arp = this.#frame.subarray(ETHERNET_BYTES, length)
      if (arp.length < ARP_BYTES || arp.readUInt16BE(6) !== ARP_REPLY) continue
      answers.push({ mac: bytesToMac(arp.subarray(8, 14)), address: bytesToIp(arp.subarray(14, 18)) })
    }
  }
}

/** A socket on one link (packet(7)); protocol 0: it receives nothing. */
function packetSocket(index: number, protocol: number): number {
  const networkOrder = ((protocol & 255) << 8) | (protocol >> 8)
  const fd = socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, networkOrder)
  try {
    const address = Buffer.alloc(20)
    address.writeUInt16LE(AF_PACKET, 0)
    address.writeUInt16BE(protocol, 2)
    address.writeInt32LE(index, 4)
    bind(fd, address)
  } catch (error) {
    closeSync(fd)
    throw error
  }
  return fd
}
