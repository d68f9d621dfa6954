import { between, command } from '../../core/command.ts'
import { bool, list, string } from '../../core/flag.ts'
import { splitReference } from '../../core/reference.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  args: between(1, 2),
  flags: {
    author: string('Who made it (e.g. "Ada <ada@example.org>")', { short: 'a' }),
    change: list('Dockerfile instruction to apply to the image', { short: 'c' }),
    message: string('What to say in its history', { short: 'm' }),
    pause: bool('Pause the container meanwhile', { short: 'p', initial: true }),
  },
  async run(context, { args: [name = '', reference], flags }) {
    const { containers } = await context.client()
    const target = reference === undefined ? {} : splitReference(reference)
    const { Id } = await containers.commit(name, {
      ...target,
      author: flags.author,
      comment: flags.message,
      pause: flags.pause,
      changes: flags.change,
    })
    context.out.line(Id)
  },
})
