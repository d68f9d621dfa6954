import { command, exactly } from '../../core/command.ts'
import { bool } from '../../core/flag.ts'

export default command({
  usage: '[OPTIONS] NETWORK CONTAINER',
  args: exactly(2),
  flags: { force: bool('Do it even when the container is gone', { short: 'f' }) },
  async run(context, { args: [network = '', container = ''], flags }) {
    const { networks } = await context.client()
    await networks.disconnect(network, { Container: container, Force: flags.force })
  },
})
