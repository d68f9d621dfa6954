import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { errorText } from '../../program.ts'

export default command({
  usage: 'CONTAINER NEW_NAME',
  args: exactly(2),
  flags: {},
  async run(context, { args }) {
    const [before = '', after = ''] = args.map((name) => name.trim())
    if (before === '' || after === '') throw new ExitError(1, 'Error: Neither old nor new names may be empty')
    const { containers } = await context.client()
    try {
      await containers.rename(before, after)
    } catch (error) {
      throw new ExitError(1, `${errorText(error)}\nError: failed to rename container named ${before}`)
    }
  },
})
