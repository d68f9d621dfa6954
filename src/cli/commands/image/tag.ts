import { messageOf } from '#errors/errors.ts'
import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { splitReference } from '../../core/reference.ts'

export default command({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  args: exactly(2),
  flags: {},
  async run(context, { args: [source = '', target = ''] }) {
    const { images } = await context.client()
    await images.tag(source, parseTarget(target))
  },
})

function parseTarget(text: string): { repo: string; tag: string } {
  try {
    return splitReference(text)
  } catch (error) {
    throw new ExitError(
      1,
      `Error parsing reference: "${text}" is not a valid repository/tag: ${messageOf(error)}`,
    )
  }
}
