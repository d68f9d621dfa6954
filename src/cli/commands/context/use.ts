import { command, exactly } from '../../core/command.ts'
import { readContext } from '../../contexts/store.ts'
import { writeConfigFile } from '../../registry/config-file.ts'

export default command({
  usage: 'CONTEXT',
  args: exactly(1),
  flags: {},
  run(context, { args: [name = ''] }) {
    const { config } = context
    if (name !== 'default') readContext(config, name)
    const { currentContext: _, ...rest } = config.file
    writeConfigFile(config, name === 'default' ? rest : { ...rest, currentContext: name })
    context.out.line(name)
    context.err.line(`Current context is now "${name}"`)
    if (name !== 'default' && config.dockerHost !== '') {
      context.err.line(
        `Warning: DOCKER_HOST environment variable overrides the active context. To use "${name}", either set the global --context flag, or unset DOCKER_HOST environment variable.`,
      )
    }
    return Promise.resolve()
  },
})
