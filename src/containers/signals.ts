import { constants } from 'node:os'
import { InvalidArgumentError } from '#errors/errors.ts'

const NAMES = new Map<string, number>(
  Object.entries(constants.signals).map(([name, n]) => [name.slice(3), n]),
)
NAMES.set('CLD', constants.signals.SIGCHLD)
// glibc's real-time range, as seen by programs (signal(7)).
const RTMIN = 34
const RTMAX = 64

/** The number of a signal given as `TERM`, `SIGTERM`, `15` or `RTMIN+3`. @throws InvalidArgumentError */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text)
    if (number >= 1 && number <= RTMAX) return number
    if (number > RTMAX) throw new InvalidArgumentError(`the linux daemon does not support signal ${text}`)
  } else {
    const name = text.toUpperCase().replace(/^SIG/, '')
    const known = NAMES.get(name)
    if (known !== undefined) return known
    const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name)
    if (realtime !== null) {
      const base = realtime[1] === 'MIN' ? RTMIN : RTMAX
      const number = base + (realtime[2] === '-' ? -1 : 1) * Number(realtime[3] ?? 0)
      if (number >= RTMIN && number <= RTMAX) return number
    }
  }
  throw new InvalidArgumentError(`invalid signal: ${text}`)
}
