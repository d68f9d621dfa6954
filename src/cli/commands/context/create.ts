import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { string, custom } from '../../core/flag.ts'
import { endpointFlag, storeEndpoint } from '../../contexts/endpoint-flag.ts'
import type { EndpointSettings } from '../../contexts/endpoint-flag.ts'
import { copyContext } from '../../contexts/copy-context.ts'
import { checkContextName, hasContext, writeContext } from '../../contexts/store.ts'

export default command({
  usage: '[OPTIONS] CONTEXT',
  long: 'Settings of --docker: from (name of a context), host, ca, cert, key, skip-tls-verify.\n\nExample:\n\n$ wharf context create far --docker "host=tcp://far:2376,ca=~/ca.pem,cert=~/cert.pem,key=~/key.pem"',
  args: exactly(1),
  flags: {
    description: string('What it is for'),
    docker: custom<EndpointSettings>('stringToString', {
      help: 'The daemon of the context',
      parse: endpointFlag,
    }),
    from: string('Context to copy'),
  },
  run(context, { args: [name = ''], flags }) {
    checkContextName(name)
    if (hasContext(context.config, name)) throw new ExitError(1, `context "${name}" already exists`)
    if (flags.from !== '' && flags.docker !== null)
      throw new ExitError(1, 'cannot use --docker flag when --from is set')
    const from =
      flags.from === '' ? (flags.docker?.['from'] ?? (flags.docker === null ? 'default' : '')) : flags.from
    if (from !== '') copyContext(context.config, { from, to: name, description: flags.description })
    else {
      const Host = flags.docker?.['host'] ?? ''
      if (Host === '') throw new ExitError(1, 'unable to create docker endpoint config: a host is needed')
      writeContext(context.config, {
        Name: name,
        Metadata: flags.description === '' ? {} : { Description: flags.description },
        Endpoints: { docker: { Host, SkipTLSVerify: false } },
      })
      storeEndpoint(context.config, { name, settings: flags.docker ?? {} })
    }
    context.out.line(name)
    context.err.line(`Successfully created context "${name}"`)
    return Promise.resolve()
  },
})
