import type { ProgressMessage } from '#client/images.ts'
import { type BuildErrorSource, readErrorSource } from '#spec/docker/build.ts'
import { humanSize } from '../format/units.ts'
import { ExitError } from './exit.ts'
import { TransferRates } from './transfer-rate.ts'

/** What to do beside showing progress. */
export interface ProgressOptions {
  /** Told of values that are for programs (a build's image id). */
  readonly onAux?: (aux: unknown) => void
  /** Told where in a Dockerfile the error is that ends the work. */
  readonly onSource?: (source: BuildErrorSource) => void
  /** End with the code of the step that failed, as a build does. */
  readonly codeIsStatus?: boolean
  /** The columns of the terminal. */
  readonly width?: number
  /** Default: by the clock of the machine. */
  readonly rates?: TransferRates
}

/** Where progress is shown. */
export interface Sink {
  readonly isTty: boolean
  write(text: string): void
}

/** Shows nothing; what failed fails all the same. */
export const silence: Sink = { isTty: false, write: () => undefined }

const BAR = 50
/** Terminals with more columns than this have room for bars and rates. */
const WIDE = 110

/**
 * Shows the messages of a pull, push, load or build. On a terminal each layer has a line of its own that changes;
 * elsewhere each step is a line, without progress bars.
 * @throws ExitError with the daemon's reason when the work failed.
 */
export async function showProgress(
  out: Sink,
  messages: AsyncIterable<ProgressMessage>,
  options: ProgressOptions = {},
): Promise<void> {
  const isTty = out.isTty
  const width = options.width ?? (isTty ? process.stdout.columns : 200)
  const rates = options.rates ?? new TransferRates()
  let lines = new Map<string, number>()
  for await (const message of messages) {
    if (message.aux !== undefined && message.aux !== null) {
      options.onAux?.(message.aux)
      continue
    }
    const error = message.errorDetail?.message ?? message.error
    if (error !== undefined && error !== '') {
      const code = message.errorDetail?.code ?? 0
      const source = readErrorSource(message.errorDetail?.source)
      if (source !== null) options.onSource?.(source)
      const status = options.codeIsStatus === true && code > 0 ? code : 1
      throw new ExitError(status, code === 401 ? 'authentication is required' : error)
    }
    const hasProgress = message.progressDetail !== undefined || message.progress !== undefined
    const id = message.id ?? ''
    let up = 0
    let before = ''
    if (id !== '' && hasProgress) {
      const known = lines.get(id)
      const line = known ?? lines.size
      if (known === undefined) {
        lines.set(id, line)
        before = '\n'
      }
      up = lines.size - line
    } else lines = new Map()
    const rate = isTty && width > WIDE ? rateOf(message, rates) : ''
    const text = progressLine(message, { isTty, width, rate })
    if (!isTty) {
      if (text !== '') out.write(text)
    } else if (up > 0) out.write(`${before}\x1b[${up}A\x1b[2K\r${text}\x1b[${up}B`)
    else out.write(text)
  }
}

/** One message as a line. */
export function progressLine(
  message: ProgressMessage,
  { isTty, width, rate = '' }: { isTty: boolean; width: number; rate?: string },
): string {
  const bar = `${progressBar(message.progressDetail, width)}${rate}`
  if (!isTty && bar !== '') return ''
  // A line that will change is left with the cursor at its start.
  const changes = isTty && (message.stream ?? '') === '' && message.progressDetail !== undefined
  const end = changes ? '\r' : ''
  const prefix = message.id === undefined || message.id === '' ? '' : `${message.id}: `
  const status = message.status ?? ''
  if (message.progressDetail !== undefined && isTty) return `${prefix}${status} ${bar}${end}`
  if (message.progress !== undefined && message.progress !== '')
    return `${prefix}${status} ${message.progress}${end}`
  if (message.stream !== undefined && message.stream !== '') return `${prefix}${message.stream}${end}`
  return `${prefix}${status}${end}\n`
}

/** What is told after the bar of a transfer of bytes. */
function rateOf({ id = '', status = '', progressDetail }: ProgressMessage, rates: TransferRates): string {
  const { current = 0, total = 0, units = '', hidecounts = false } = progressDetail ?? {}
  if (current <= 0 || units !== '' || hidecounts) return ''
  return rates.text(`${id} ${status}`, { bytes: current, totalBytes: total })
}

/** `[=====>     ]  1.2MB/3.4MB`. */
export function progressBar(detail: ProgressMessage['progressDetail'], width: number): string {
  const { current = 0, total = 0, units = '', hidecounts = false } = detail ?? {}
  if (current <= 0 && total <= 0) return ''
  const size = (value: number) => humanSize(value)
  if (total <= 0) return units === '' ? size(current).padStart(8) : `${current} ${units}`
  const filled = Math.min(BAR, Math.trunc(Math.trunc((current / total) * 100) / 2))
  const bar = width > WIDE ? `[${'='.repeat(filled)}>${' '.repeat(Math.max(0, BAR - filled))}] ` : ''
  if (hidecounts) return bar
  if (units !== '') return `${bar}${current}${current > total ? '' : `/${total}`} ${units}`
  return `${bar}${size(current).padStart(8)}${current > total ? '' : `/${size(total)}`}`
}
