import { command, exactly } from '../../core/command.ts'
import { splitReference } from '../../core/reference.ts'

export default command({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  args: exactly(2),
  flags: {},
  async run(context, { args: [source = '', target = ''] }) {
    const { images } = await context.client()
    await images.tag(source, splitReference(target))
  },
})
