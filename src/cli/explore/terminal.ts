import type { Output } from '../core/output.ts'
import { terminalSize } from '../core/session.ts'
import { type ScreenSize, drawExplorer, listRows } from './draw.ts'
import type { Explorer } from './explorer.ts'
import { parseKeys } from './keys.ts'

/** The other screen of the terminal, without a cursor; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

/** Shows the explorer on the user's terminal until the user leaves it. The terminal is put back in every case. */
export async function runExplorer(
  explorer: Explorer,
  { out, colours }: { readonly out: Output; readonly colours: boolean },
): Promise<void> {
  const { stdin } = process
  const size = (): ScreenSize => terminalSize() ?? { rows: 24, columns: 80 }
  const draw = (): void => {
    const lines = drawExplorer(explorer, { size: size(), colours })
    out.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
  }
  const { promise: left, resolve: leave } = Promise.withResolvers<void>()
  const onData = (chunk: Buffer): void => {
    for (const key of parseKeys(chunk.toString())) {
      if (!explorer.press(key, listRows(size()))) return leave()
      draw()
    }
  }
  const onSignal = (): void => leave()
  stdin.setRawMode(true)
  out.write(ENTER)
  try {
    stdin.on('data', onData).once('end', onSignal)
    process.on('SIGWINCH', draw).once('SIGTERM', onSignal).once('SIGHUP', onSignal)
    draw()
    await left
  } finally {
    stdin.off('data', onData).off('end', onSignal)
    stdin.pause()
    process.off('SIGWINCH', draw).off('SIGTERM', onSignal).off('SIGHUP', onSignal)
    out.write(LEAVE)
    stdin.setRawMode(false)
  }
}
