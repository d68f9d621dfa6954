import { command, exactly } from '../../core/command.ts'
import { string } from '../../core/flag.ts'
import { saveStream } from '../../core/save-stream.ts'

export default command({
  usage: '[OPTIONS] CONTAINER',
  args: exactly(1),
  flags: { output: string('File to write instead of stdout', { short: 'o' }) },
  async run(context, { args: [name = ''], flags }) {
    await saveStream(context, {
      output: flags.output,
      what: 'export container',
      open: async () => (await context.client()).containers.export(name),
    })
  },
})
