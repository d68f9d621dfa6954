import { command, noArgs } from '../../core/command.ts'
import { stdinChunks } from '../../core/stdin.ts'

export default command({
  usage: '',
  args: noArgs,
  flags: {},
  async run(context) {
    const socket = await (await context.client()).transport.connect()
    const input = (async () => {
      for await (const chunk of stdinChunks()) socket.write(chunk)
      socket.end()
    })()
    input.catch(() => socket.destroy())
    for await (const chunk of socket) context.out.write(chunk as Buffer)
  },
})
