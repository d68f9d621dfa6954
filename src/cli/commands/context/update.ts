import { command, exactly } from '../../core/command.ts'
import { string, custom } from '../../core/flag.ts'
import { endpointFlag, storeEndpoint } from '../../contexts/endpoint-flag.ts'
import type { EndpointSettings } from '../../contexts/endpoint-flag.ts'
import { checkContextName, readContext, writeContext } from '../../contexts/store.ts'

export default command({
  usage: '[OPTIONS] CONTEXT',
  args: exactly(1),
  flags: {
    description: string('What it is for'),
    docker: custom<EndpointSettings>('stringToString', {
      help: 'The daemon of the context',
      parse: endpointFlag,
    }),
  },
  run(context, { args: [name = ''], flags, given }) {
    checkContextName(name)
    const meta = readContext(context.config, name)
    if (given('description'))
      writeContext(context.config, {
        ...meta,
        Metadata: { ...meta.Metadata, Description: flags.description },
      })
    if (flags.docker !== null) storeEndpoint(context.config, { name, settings: flags.docker })
    context.out.line(name)
    context.err.line(`Successfully updated context "${name}"`)
    return Promise.resolve()
  },
})
