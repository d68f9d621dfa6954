import { existsSync, readdirSync } from 'node:fs'
import { command } from '../../core/command.ts'
import { string } from '../../core/flag.ts'
import { inspectAll } from '../../core/inspect.ts'
import { currentContext, resolveEndpoint } from '../../contexts/resolve.ts'
import { metaFolder, readContext, tlsFolder } from '../../contexts/store.ts'
import { writeJson } from '../../format/json.ts'

export default command({
  usage: '[OPTIONS] [CONTEXT] [CONTEXT...]',
  args: { min: 0, max: null },
  flags: { format: string("How to print: 'json' or a Go template", { short: 'f' }) },
  async run(context, { args, flags }) {
    const { config } = context
    const names = args.length === 0 ? [currentContext({ globals: context.globals, config })] : args
    const describe = (name: string): object => {
      if (name === 'default') {
        const { host } = resolveEndpoint({ globals: {}, config: { ...config, dockerContext: '', file: {} } })
        const nowhere = '<IN MEMORY>'
        return {
          Name: name,
          Metadata: {},
          Endpoints: { docker: { Host: host, SkipTLSVerify: false } },
          TLSMaterial: {},
          Storage: { MetadataPath: nowhere, TLSPath: nowhere },
        }
      }
      const meta = readContext(config, name)
      const files = `${tlsFolder(config, name)}/docker`
      const TLSMaterial = existsSync(files) ? { docker: readdirSync(files).toSorted() } : {}
      return {
        ...meta,
        TLSMaterial,
        Storage: { MetadataPath: metaFolder(config, name), TLSPath: tlsFolder(config, name) },
      }
    }
    await inspectAll(context, {
      names,
      format: flags.format,
      find: (name) => Promise.resolve(writeJson(describe(name), { escapeHtml: true })),
    })
  },
})
