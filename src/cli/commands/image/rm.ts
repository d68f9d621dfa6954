import { DaemonError } from '#client/transport.ts'
import { atLeast, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, strings } from '../../core/flag.ts'
import { errorText } from '../../program.ts'

export default command({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  args: atLeast(1),
  flags: {
    force: bool('Remove it even when containers use it', { short: 'f' }),
    'no-prune': bool('Keep parents that have no name'),
    platform: strings('Remove this platform only'),
  },
  async run(context, { args, flags }) {
    const { images } = await context.client()
    const failures: string[] = []
    let grave = false
    for (const name of args) {
      try {
        const removed = await images.remove(name, {
          force: flags.force,
          noPrune: flags['no-prune'],
          platforms: flags.platform,
        })
        for (const { Deleted, Untagged } of removed) {
          context.out.line(
            Deleted === undefined || Deleted === null || Deleted === ''
              ? `Untagged: ${Untagged}`
              : `Deleted: ${Deleted}`,
          )
        }
      } catch (error) {
        if (!(error instanceof DaemonError) || error.status !== 404) grave = true
        failures.push(errorText(error))
      }
    }
    if (failures.length === 0) return
    if (flags.force && !grave) context.err.line(failures.join('\n'))
    else throw new ExitError(1, failures.join('\n'))
  },
})
