import { atLeast, command } from '../../core/command.ts'
import { createContainer } from '../../core/create-container.ts'
import { containerFlags } from '../../flags/container-flags.ts'
import { proxyVariables } from '../../flags/proxies.ts'
import { containerRequest } from '../../flags/container-request.ts'
import type { ContainerFlagValues } from '../../flags/container-request.ts'

export default command({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: atLeast(1),
  flags: containerFlags,
  interspersed: false,
  errorStatus: 1,
  async run(context, { args: [image = '', ...rest], flags, given }) {
    const request = containerRequest({
      flags,
      given: given as (name: keyof ContainerFlagValues) => boolean,
      image,
      command: rest,
      environment: context.config.environment,
      proxies: proxyVariables(context.config),
      detach: false,
      consoleSize: null,
    })
    const client = await context.client()
    const platform = flags.platform || context.config.defaultPlatform
    const { name, pull, quiet, cidfile } = flags
    context.out.line(
      await createContainer(context, { client, request, name, platform, pull, quiet, cidfile }),
    )
  },
})
