import { command, exactly } from '../core/command.ts'
import { ExitError } from '../core/exit.ts'
import { completionScript } from '../completion/scripts.ts'

export default command({
  usage: 'bash|zsh|fish',
  long: 'Load it in a shell: source <(wharf completion bash)',
  args: exactly(1),
  flags: {},
  async run(context, { args: [shell = ''] }) {
    const script = await completionScript(shell)
    if (script === null)
      throw new ExitError(1, `no completion for ${JSON.stringify(shell)}: choose bash, zsh or fish`)
    context.out.write(script)
  },
})
