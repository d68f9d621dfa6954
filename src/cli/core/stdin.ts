/** Standard input as bytes; ends when it does. */
export async function* stdinChunks(): AsyncGenerator<Buffer> {
  for await (const chunk of process.stdin) yield chunk as Buffer
}

/** Everything on standard input, as text. */
export async function readAll(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdinChunks()) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** One line of standard input, with its end; '' when there is none. */
export async function readLine(): Promise<string> {
  let text = ''
  for await (const chunk of stdinChunks()) {
    text += chunk.toString()
    const end = text.indexOf('\n')
    if (end >= 0) return text.slice(0, end + 1)
  }
  return text
}
