import { createSocket } from 'node:dgram'
import { encode } from 'dns-packet'

/**
 * Asks the name server 127.0.0.11 of this namespace as fast as it answers: `dns-load.ts NAME SECONDS OUTSTANDING`. Prints answers a second, and the
 * median and the 99th percentile of how long one took, in milliseconds, as JSON.
 */
const [name = '', seconds = '3', outstanding = '16'] = process.argv.slice(2)
const socket = createSocket('udp4')
const sentAt = new Float64Array(65536)
const took: number[] = []
const template = encode({ type: 'query', id: 0, flags: 0x100, questions: [{ type: 'A', name }] })
let id = 0
let answers = 0

function ask(): void {
  id = (id + 1) & 0xffff
  const query = Buffer.from(template)
  query.writeUInt16BE(id)
  sentAt[id] = performance.now()
  socket.send(query)
}

socket.on('message', (answer) => {
  const rcode = answer.readUInt8(3) & 15
  const count = answer.readUInt16BE(6)
  if (rcode !== 0 || count === 0) throw new Error(`no answer for ${name}: rcode ${rcode}, ${count} records`)
  answers += 1
  took.push(performance.now() - sentAt[answer.readUInt16BE(0)]!)
  ask()
})
socket.connect(53, '127.0.0.11', () => {
  for (let n = 0; n < Number(outstanding); n++) ask()
})
const started = performance.now()
setTimeout(
  () => {
    const rate = answers / ((performance.now() - started) / 1000)
    took.sort((a, b) => a - b)
    const at = (share: number): number => took[Math.floor(took.length * share)] ?? NaN
    process.stdout.write(`${JSON.stringify({ rate, p50: at(0.5), p99: at(0.99) })}\n`)
    process.exit(0)
  },
  Number(seconds) * 1000,
)
