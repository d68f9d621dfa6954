import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { showProgress, silence } from '../../core/progress.ts'
import { canonicalName, familiarName, parseName } from '../../core/reference.ts'
import { authHeaderFor } from '../../registry/credentials.ts'

export default command({
  usage: '[OPTIONS] NAME[:TAG]',
  args: exactly(1),
  flags: {
    'all-tags': bool('Upload every tag of the image', { short: 'a' }),
    'disable-content-trust': bool('Skip image signing', { initial: true, hidden: true }),
    platform: string('Upload this platform only (os[/arch[/variant]])'),
    quiet: bool('Print the name only', { short: 'q' }),
  },
  async run(context, { args: [image = ''], flags }) {
    const { name, tag, digest } = parseName(image)
    if (flags['all-tags'] && tag !== null) throw new ExitError(1, "tag can't be used with --all-tags/-a")
    if (digest !== null) throw new ExitError(1, 'cannot push a digest reference')
    const useDefault = tag === null && !flags['all-tags']
    if (useDefault && !flags.quiet) context.out.line('Using default tag: latest')
    const { images } = await context.client()
    const [os, architecture, variant] = flags.platform.split('/')
    const platform = flags.platform === '' ? undefined : JSON.stringify({ os, architecture, variant })
    const auth = await authHeaderFor(context.config, name)
    const messages = await images.push(familiarName(name), {
      tag: flags['all-tags'] ? undefined : (tag ?? 'latest'),
      platform,
      auth,
    })
    await showProgress(flags.quiet ? silence : context.out, messages)
    if (flags.quiet)
      context.out.line(`${canonicalName(name)}${flags['all-tags'] ? '' : `:${tag ?? 'latest'}`}`)
  },
})
