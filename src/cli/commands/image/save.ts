import { atLeast, command } from '../../core/command.ts'
import { string } from '../../core/flag.ts'
import { saveStream } from '../../core/save-stream.ts'

export default command({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: atLeast(1),
  flags: {
    output: string('File to write instead of stdout', { short: 'o' }),
    platform: string('Save this platform only (os[/arch[/variant]])'),
  },
  async run(context, { args, flags }) {
    await saveStream(context, {
      output: flags.output,
      what: 'save image',
      open: async () => (await context.client()).images.save(args, { platform: flags.platform || undefined }),
    })
  },
})
