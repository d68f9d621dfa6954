import { atMost, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { list, map, string } from '../../core/flag.ts'
import { readLabels } from '../../flags/environment.ts'

export default command({
  usage: '[OPTIONS] [VOLUME]',
  args: atMost(1),
  flags: {
    driver: string('Driver', { short: 'd', initial: 'local' }),
    label: list('Set metadata'),
    name: string('Name', { hidden: true }),
    opt: map('Option of the driver', { short: 'o' }),
  },
  async run(context, { args: [name], flags }) {
    if (name !== undefined && flags.name !== '')
      throw new ExitError(
        1,
        'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
      )
    const volume = await (
      await context.client()
    ).volumes.create({
      Name: name ?? flags.name,
      Driver: flags.driver,
      DriverOpts: flags.opt,
      Labels: readLabels({ files: [], values: flags.label }),
    })
    context.out.line(volume.Name)
  },
})
