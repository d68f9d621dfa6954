import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { pack } from 'tar-stream'
import { between, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { readContext, tlsFolder } from '../../contexts/store.ts'

export default command({
  usage: '[OPTIONS] CONTEXT [FILE|-]',
  args: between(1, 2),
  flags: {},
  async run(context, { args: [name = '', target = `${name}.dockercontext`] }) {
    const meta = readContext(context.config, name)
    if (target === '-' && context.out.isTty)
      throw new ExitError(1, 'cowardly refusing to export to a terminal, specify a file path')
    if (target !== '-' && existsSync(target)) throw new ExitError(1, `open ${target}: file exists`)
    const archive = pack()
    archive.entry({ name: 'meta.json', mode: 0o644 }, JSON.stringify(meta))
    const folder = `${tlsFolder(context.config, name)}/docker`
    if (existsSync(folder)) {
      archive.entry({ name: 'tls', type: 'directory', mode: 0o700 })
      archive.entry({ name: 'tls/docker', type: 'directory', mode: 0o700 })
      for (const file of readdirSync(folder))
        archive.entry({ name: `tls/docker/${file}`, mode: 0o600 }, readFileSync(`${folder}/${file}`))
    }
    archive.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of archive as unknown as AsyncIterable<Buffer>) chunks.push(chunk)
    if (target === '-') context.out.write(Buffer.concat(chunks))
    else {
      writeFileSync(target, Buffer.concat(chunks), { mode: 0o600, flag: 'wx' })
      context.err.line(`Written file "${target}"`)
    }
  },
})
