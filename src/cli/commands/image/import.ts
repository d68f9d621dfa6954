import { createReadStream, existsSync } from 'node:fs'
import { between, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { list, string } from '../../core/flag.ts'
import { showProgress } from '../../core/progress.ts'
import { splitReference } from '../../core/reference.ts'
import { stdinChunks } from '../../core/stdin.ts'

export default command({
  usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  args: between(1, 2),
  flags: {
    change: list('Dockerfile instruction to apply to the image', { short: 'c' }),
    message: string('What to say in its history', { short: 'm' }),
    platform: string('Platform of the image'),
  },
  async run(context, { args: [source = '', reference], flags }) {
    const isUrl = /^https?:\/\//.test(source)
    if (!isUrl && source !== '-' && !existsSync(source))
      throw new ExitError(1, `open ${source}: no such file or directory`)
    const { images } = await context.client()
    const messages = await images.import({
      source: isUrl ? source : '-',
      ...(isUrl ? {} : { body: source === '-' ? stdinChunks() : readFile(source) }),
      ...(reference === undefined ? {} : splitReference(reference)),
      message: flags.message || undefined,
      changes: flags.change,
      platform: flags.platform || undefined,
    })
    await showProgress(context.out, messages)
  },
})

const readFile = (path: string): AsyncIterable<Buffer> =>
  createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>
