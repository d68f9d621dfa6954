import { atLeast, command } from '../../core/command.ts'
import { forEachName } from '../../core/each.ts'
import { string } from '../../core/flag.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: { signal: string('Signal to send instead of KILL', { short: 's' }) },
  async run(context, { args, flags, given }) {
    const { containers } = await context.client()
    await forEachName(context, args, (name) =>
      containers.kill(name, given('signal') ? flags.signal : undefined),
    )
  },
})
