import { atLeast, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool } from '../../core/flag.ts'
import { hasContext, removeContext } from '../../contexts/store.ts'
import { writeConfigFile } from '../../registry/config-file.ts'

export default command({
  usage: 'CONTEXT [CONTEXT...]',
  args: atLeast(1),
  flags: { force: bool('Remove the one in use too', { short: 'f' }) },
  run(context, { args, flags }) {
    const { config } = context
    const failures: string[] = []
    for (const name of args) {
      if (name === 'default') failures.push('context "default" cannot be removed')
      else if (!hasContext(config, name)) {
        if (!flags.force) failures.push(`context "${name}" does not exist`)
      } else if (config.file.currentContext === name && !flags.force) {
        failures.push(`context "${name}" is in use, set -f flag to force remove`)
      } else {
        if (config.file.currentContext === name) {
          const { currentContext: _, ...rest } = config.file
          writeConfigFile(config, rest)
        }
        removeContext(config, name)
        context.out.line(name)
      }
    }
    if (failures.length > 0) throw new ExitError(1, failures.join('\n'))
    return Promise.resolve()
  },
})
