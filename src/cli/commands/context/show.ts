import { command, noArgs } from '../../core/command.ts'
import { currentContext } from '../../contexts/resolve.ts'

export default command({
  usage: '',
  args: noArgs,
  flags: {},
  run(context) {
    context.out.line(currentContext({ globals: context.globals, config: context.config }))
    return Promise.resolve()
  },
})
