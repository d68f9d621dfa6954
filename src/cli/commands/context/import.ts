import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extract } from 'tar-stream'
import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { stdinChunks } from '../../core/stdin.ts'
import { checkContextName, hasContext, tlsFolder, writeContext } from '../../contexts/store.ts'
import type { ContextMeta } from '../../contexts/store.ts'

const MAX_BYTES = 10 * 1024 * 1024
const tlsFiles = new Set(['ca.pem', 'cert.pem', 'key.pem'])

export default command({
  usage: 'CONTEXT FILE|-',
  args: exactly(2),
  flags: {},
  async run(context, { args: [name = '', source = ''] }) {
    checkContextName(name)
    if (hasContext(context.config, name)) throw new ExitError(1, `context "${name}" already exists`)
    const bytes = source === '-' ? await readStdin() : readFileSync(source)
    if (bytes.length > MAX_BYTES) throw new ExitError(1, 'read exceeds the defined limit')
    if (bytes.subarray(0, 2).toString() === 'PK')
      throw new ExitError(1, 'zip archives are not supported: export the context as tar')
    const files = await readTar(bytes)
    const meta = files.get('meta.json')
    if (meta === undefined) throw new ExitError(1, 'invalid context: no metadata found')
    writeContext(context.config, { ...(JSON.parse(meta.toString()) as ContextMeta), Name: name })
    for (const [path, content] of files) {
      const file = /^tls\/docker\/([^/]+)$/.exec(path)?.[1]
      if (file === undefined || !tlsFiles.has(file)) continue
      const folder = `${tlsFolder(context.config, name)}/docker`
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(`${folder}/${file}`, content, { mode: 0o600 })
    }
    context.out.line(name)
    context.err.line(`Successfully imported context "${name}"`)
  },
})

async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stdinChunks()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function readTar(bytes: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const archive = extract()
  archive.end(bytes)
  for await (const entry of archive) {
    const chunks: Buffer[] = []
    for await (const chunk of entry as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
    files.set(entry.header.name, Buffer.concat(chunks))
  }
  return files
}
