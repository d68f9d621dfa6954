import { createInterface } from 'node:readline/promises'

/** Asks on the terminal for a line. */
export async function promptLine(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return (await lines.question(question)).trim()
  } finally {
    lines.close()
  }
}

/** Asks on the terminal for what must not be shown. */
export async function promptSecret(question: string): Promise<string> {
  process.stdout.write(question)
  process.stdin.setRawMode(true)
  let text = ''
  try {
    for await (const chunk of process.stdin) {
      for (const char of (chunk as Buffer).toString()) {
        if (char === '\r' || char === '\n') return text
        if (char === '\x03') process.exit(130)
        text = char === '\x7f' || char === '\b' ? text.slice(0, -1) : text + char
      }
    }
    return text
  } finally {
    process.stdin.setRawMode(false)
    process.stdout.write('\n')
  }
}
