import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { showProgress, silence } from '../../core/progress.ts'
import { canonicalName, familiarName, parseName } from '../../core/reference.ts'
import { authHeaderFor } from '../../registry/credentials.ts'

export default command({
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  args: exactly(1),
  flags: {
    'all-tags': bool('Download every tag of the repository', { short: 'a' }),
    'disable-content-trust': bool('Skip image verification', { initial: true, hidden: true }),
    platform: string('Platform, when the image has several'),
    quiet: bool('Print the name only', { short: 'q' }),
  },
  async run(context, { args: [image = ''], flags }) {
    const { name, tag, digest } = parseName(image)
    if (flags['all-tags'] && (tag !== null || digest !== null))
      throw new ExitError(1, "tag can't be used with --all-tags/-a")
    const useDefault = tag === null && digest === null && !flags['all-tags']
    if (useDefault && !flags.quiet) context.out.line('Using default tag: latest')
    const { images } = await context.client()
    const wanted = flags['all-tags'] ? undefined : (digest ?? tag ?? 'latest')
    const platform = flags.platform || context.config.defaultPlatform || undefined
    const auth = await authHeaderFor(context.config, name)
    const messages = await images.pull({ image: familiarName(name), tag: wanted, platform, auth })
    await showProgress(flags.quiet ? silence : context.out, messages)
    const suffix = digest === null ? (flags['all-tags'] ? '' : `:${tag ?? 'latest'}`) : `@${digest}`
    context.out.line(`${canonicalName(name)}${suffix}`)
  },
})
