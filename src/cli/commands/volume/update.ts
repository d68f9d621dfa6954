import { atMost, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { string } from '../../core/flag.ts'

export default command({
  usage: '[OPTIONS] [VOLUME]',
  args: atMost(1),
  flags: { availability: string('Cluster volumes only', { initial: 'active' }) },
  run() {
    return Promise.reject(new ExitError(1, 'only cluster volumes can be changed, and wharf has none'))
  },
})
