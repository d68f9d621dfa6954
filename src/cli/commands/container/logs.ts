import { command, exactly } from '../../core/command.ts'
import { bool, string } from '../../core/flag.ts'
import { apiTime } from '../../core/api-time.ts'

export default command({
  usage: '[OPTIONS] CONTAINER',
  args: exactly(1),
  flags: {
    details: bool('Show the extra attributes that the log driver was given'),
    follow: bool('Go on as the container writes', { short: 'f' }),
    since: string('Leave out what is older than a time ("2013-01-02T13:23:37Z") or a duration ("42m")'),
    tail: string('How many lines from the end', { short: 'n', initial: 'all' }),
    timestamps: bool('Show when each line was written', { short: 't' }),
    until: string('Leave out what is newer than a time or a duration'),
  },
  async run(context, { args: [name = ''], flags }) {
    const { containers } = await context.client()
    const isTty = (await containers.inspect(name)).Config?.Tty ?? false
    const { follow, timestamps, details, tail } = flags
    const since = apiTime(flags.since, { what: 'since' })
    const until = apiTime(flags.until, { what: 'until' })
    for await (const { stream, bytes } of containers.logs(name, {
      follow,
      timestamps,
      details,
      tail,
      since,
      until,
      isTty,
    })) {
      ;(stream === 'stderr' ? context.err : context.out).write(bytes)
    }
  },
})
