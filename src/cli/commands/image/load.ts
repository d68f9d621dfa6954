import { createReadStream, existsSync } from 'node:fs'
import { command, noArgs } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { isTerminal } from '../../core/output.ts'
import { showProgress } from '../../core/progress.ts'
import { stdinChunks } from '../../core/stdin.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    input: string('File to read instead of stdin', { short: 'i' }),
    platform: string('Load this platform only (os[/arch[/variant]])'),
    quiet: bool('Show no progress', { short: 'q' }),
  },
  async run(context, { flags }) {
    if (flags.input === '' && isTerminal(0))
      throw new ExitError(1, 'requested load from stdin, but stdin is empty')
    if (flags.input !== '' && !existsSync(flags.input))
      throw new ExitError(1, `open ${flags.input}: no such file or directory`)
    const body =
      flags.input === ''
        ? stdinChunks()
        : (createReadStream(flags.input, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>)
    const quiet = flags.quiet || !context.out.isTty
    const { images } = await context.client()
    await showProgress(context.out, await images.load(body, { quiet, platform: flags.platform || undefined }))
  },
})
