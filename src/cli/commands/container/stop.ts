import { atLeast, command } from '../../core/command.ts'
import { forEachName } from '../../core/each.ts'
import { int, string } from '../../core/flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: {
    signal: string('Signal to send first', { short: 's' }),
    timeout: int('Seconds to wait before the container is killed (-1 waits for ever)', { short: 't' }),
    time: int('Old name of --timeout', { hidden: true }),
  },
  async run(context, { args, flags, given }) {
    const { containers } = await context.client()
    const timeoutSeconds = flags.timeout ?? flags.time ?? undefined
    const signal = given('signal') ? flags.signal : undefined
    await forEachName(context, args, (name) => containers.stop(name, { signal, timeoutSeconds }))
  },
})
