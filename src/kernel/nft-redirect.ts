import { nfgenmsg, nftBatch, nftMessageType } from './nftables.ts'
import { NetlinkMessage, NLM_F_CREATE, parseAttributes, textOf } from './netlink/message.ts'
import { NETLINK_NETFILTER, NetlinkSocket } from './netlink/socket.ts'
import { ipToBytes } from './netlink/addresses.ts'

// linux/netfilter/nf_tables.h
const NFT_MSG_NEWTABLE = 0
const NFT_MSG_GETTABLE = 1
const NFT_MSG_DELTABLE = 2
const NFT_MSG_NEWCHAIN = 3
const NFT_MSG_NEWRULE = 6
const NFPROTO_IPV4 = 2
const NF_INET_LOCAL_OUT = 3
const NAT_PRIORITY = -100
const NLM_F_APPEND = 0x800
const REGISTER = 1
const PAYLOAD_NETWORK = 1
const PAYLOAD_TRANSPORT = 2
const META_L4PROTO = 16
const NAT_DESTINATION = 1

/** Connections of this namespace to `address` and `port` go to another port of the same address. */
export interface PortRedirect {
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
  readonly toPort: number
}

/**
 * Makes a new table of these redirections in the namespace that the thread is in: one transaction, no process.
 * @throws KernelError where the kernel has no NAT.
 */
export function redirectPorts(table: string, redirects: readonly PortRedirect[]): void {
  using socket = NetlinkSocket.open(NETLINK_NETFILTER)
  nftBatch(socket, [
    message(NFT_MSG_NEWTABLE, NLM_F_CREATE).text(1, table),
    message(NFT_MSG_NEWCHAIN, NLM_F_CREATE)
      .text(1, table)
      .text(3, 'output')
      .nest(4, (hook) => hook.be32(1, NF_INET_LOCAL_OUT).be32(2, NAT_PRIORITY))
      .text(7, 'nat'),
    ...redirects.map((redirect) =>
      message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND)
        .text(1, table)
        .text(2, 'output')
        .nest(4, (rule) => putExpressions(rule, redirect)),
    ),
  ])
}

/** The names of the IPv4 tables of the namespace that the thread is in. */
export function redirectTables(): string[] {
  using socket = NetlinkSocket.open(NETLINK_NETFILTER)
  return socket
    .query(message(NFT_MSG_GETTABLE, 0), { dump: true })
    .map(({ payload }) => textOf(parseAttributes(payload, 4).get(1) ?? Buffer.alloc(1)))
}

/** Deletes a table; the kernel waits for a grace period (10 ms). */
export function deleteRedirects(table: string): void {
  using socket = NetlinkSocket.open(NETLINK_NETFILTER)
  nftBatch(socket, [message(NFT_MSG_DELTABLE, 0).text(1, table)])
}

function putExpressions(rule: NetlinkMessage, redirect: PortRedirect): void {
  matchMeta(rule, Buffer.from([redirect.protocol === 'tcp' ? 6 : 17]))
  matchPayload(rule, { base: PAYLOAD_NETWORK, offset: 16 }, ipToBytes(redirect.address))
  matchPayload(rule, { base: PAYLOAD_TRANSPORT, offset: 2 }, bigEndian(redirect.port))
  expression(rule, 'immediate', () =>
    rule.be32(1, REGISTER).nest(2, () => rule.bytes(1, bigEndian(redirect.toPort))),
  )
  expression(rule, 'nat', () => rule.be32(1, NAT_DESTINATION).be32(2, NFPROTO_IPV4).be32(5, REGISTER))
}

function matchMeta(rule: NetlinkMessage, value: Buffer): void {
  expression(rule, 'meta', () => rule.be32(1, REGISTER).be32(2, META_L4PROTO))
  compare(rule, value)
}

function matchPayload(
  rule: NetlinkMessage,
  field: { readonly base: number; readonly offset: number },
  value: Buffer,
): void {
  expression(rule, 'payload', () =>
    rule.be32(1, REGISTER).be32(2, field.base).be32(3, field.offset).be32(4, value.length),
  )
  compare(rule, value)
}

function compare(rule: NetlinkMessage, value: Buffer): void {
  const EQUAL = 0
  expression(rule, 'cmp', () =>
    rule
      .be32(1, REGISTER)
      .be32(2, EQUAL)
      .nest(3, () => rule.bytes(1, value)),
  )
}

function expression(rule: NetlinkMessage, name: string, data: () => void): void {
  rule.nest(1, () => rule.text(1, name).nest(2, data))
}

function message(type: number, flags: number): NetlinkMessage {
  return new NetlinkMessage(nftMessageType(type), { flags, fixed: nfgenmsg(NFPROTO_IPV4, 0) })
}

function bigEndian(port: number): Buffer {
  return Buffer.from([port >> 8, port & 255])
}
