import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool } from '../../core/flag.ts'
import { copyFromContainer, copyToContainer } from '../../copy/copy.ts'

export default command({
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\nwharf cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  long: "With '-' as the source, a tar archive is read from stdin and unpacked in a folder of the container.\nWith '-' as the destination, a tar archive of the source is written to stdout.",
  args: exactly(2),
  flags: {
    archive: bool('Keep owner and group', { short: 'a' }),
    'follow-link': bool('Copy what a link at SRC_PATH points to', { short: 'L' }),
    quiet: bool('Say nothing', { short: 'q' }),
  },
  async run(context, { args: [source = '', destination = ''], flags }) {
    if (source === '') throw new ExitError(1, 'source can not be empty')
    if (destination === '') throw new ExitError(1, 'destination can not be empty')
    const from = splitPath(source)
    const to = splitPath(destination)
    if (from.container !== null && to.container !== null)
      throw new ExitError(1, 'copying between containers is not supported')
    if (from.container === null && to.container === null)
      throw new ExitError(1, 'must specify at least one container source')
    const { containers } = await context.client()
    const options = {
      followLink: flags['follow-link'],
      archive: flags.archive,
      quiet: flags.quiet || !context.err.isTty,
    }
    if (from.container !== null)
      await copyFromContainer(context, {
        containers,
        id: from.container,
        source: from.path,
        destination: to.path,
        ...options,
      })
    else
      await copyToContainer(context, {
        containers,
        id: to.container ?? '',
        source: from.path,
        destination: to.path,
        ...options,
      })
  },
})

/** `CONTAINER:PATH`; a path that starts with `/` or `.` is local even with a colon in it. */
function splitPath(text: string): { container: string | null; path: string } {
  if (text.startsWith('/') || text === '-') return { container: null, path: text }
  const colon = text.indexOf(':')
  if (colon < 1 || text.startsWith('.')) return { container: null, path: text }
  return { container: text.slice(0, colon), path: text.slice(colon + 1) }
}
