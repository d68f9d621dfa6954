import { decode, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet'
import type { Answer, DecodedPacket, Question } from 'dns-packet'
import type { LocalAnswer } from './resolve.ts'

/** How long others may remember what we say, in seconds (as Docker's server). */
const TTL_SECONDS = 600
const FLAG_RECURSION_DESIRED = 0x100
const OPCODE_MASK = 0x7800
const RCODE_SERVFAIL = 2
const MIN_UDP_BYTES = 512

/** A query as read: the one question of it, and how long an answer by UDP may be. */
export interface Query {
  readonly bytes: Buffer
  readonly packet: DecodedPacket
  readonly question: Question
  readonly maxUdpBytes: number
}

/** Reads a query; null when it is none (a response, no or several questions, garbage). */
export function parseQuery(bytes: Buffer): Query | null {
  let packet: DecodedPacket
  try {
    packet = decode(bytes)
  } catch {
    return null // Whatever a container sends: it gets no answer.
  }
  const [question, ...others] = packet.questions ?? []
  if (
    packet.type !== 'query' ||
    ((packet.flags ?? 0) & OPCODE_MASK) !== 0 ||
    question === undefined ||
    others.length > 0
  )
    return null
  const edns = packet.additionals?.find((record) => record.type === 'OPT')
  const maxUdpBytes = edns?.type === 'OPT' ? Math.max(edns.udpPayloadSize, MIN_UDP_BYTES) : MIN_UDP_BYTES
  return { bytes, packet, question, maxUdpBytes }
}

/** The answer from what we know ourselves. */
export function localAnswer(
  query: Query,
  local: Exclude<LocalAnswer, { kind: 'unknown' }>,
  tcp: boolean,
): Buffer {
  const { name, type } = query.question
  const answers: Answer[] =
    local.kind === 'name'
      ? [{ name, type: 'PTR', ttl: TTL_SECONDS, data: local.name }]
      : local.addresses.map((data): Answer => ({
          name,
          type: type === 'AAAA' ? 'AAAA' : 'A',
          ttl: TTL_SECONDS,
          data,
        }))
  const bytes = respond(query, { answers, rcode: 0, flags: 0 })
  if (tcp || bytes.length <= query.maxUdpBytes) return bytes
  // What fits, and a hint to ask again by TCP.
  const fitting = answers.slice(0, Math.floor((query.maxUdpBytes - 100) / 40))
  return respond(query, { answers: fitting, rcode: 0, flags: TRUNCATED_RESPONSE })
}

/** The answer when nobody could be asked, or nobody answered. */
export function failure(query: Query): Buffer {
  return respond(query, { answers: [], rcode: RCODE_SERVFAIL, flags: 0 })
}

/** For how many seconds an answer of another server may be kept: the shortest time in it; 0: not at all. */
export function secondsToKeep(answer: Buffer): number {
  try {
    const { answers } = decode(answer)
    const times = (answers ?? []).map((record) => ('ttl' in record ? (record.ttl ?? 0) : 0))
    return times.length === 0 ? 0 : Math.min(...times)
  } catch {
    return 0 // Passed on as it is, but not kept.
  }
}

function respond(
  query: Query,
  options: { readonly answers: Answer[]; readonly rcode: number; readonly flags: number },
): Buffer {
  const desired = (query.packet.flags ?? 0) & FLAG_RECURSION_DESIRED
  return encode({
    type: 'response',
    id: query.packet.id ?? 0,
    flags: desired | RECURSION_AVAILABLE | options.flags | options.rcode,
    questions: [query.question],
    answers: options.answers,
  })
}
