import type { Client } from '#client/client.ts'
import { DaemonError } from '#client/transport.ts'
import { atLeast, command } from '../core/command.ts'
import { ExitError } from '../core/exit.ts'
import { bool, string } from '../core/flag.ts'
import { inspectAll } from '../core/inspect.ts'

type Find = (client: Client, name: string, size: boolean) => Promise<string>

const kinds: Readonly<Record<string, Find>> = {
  container: (client, name, size) => client.containers.inspectText(name, { size }),
  image: (client, name) => client.images.inspectText(name),
  network: (client, name) => client.networks.inspectText(name),
  volume: (client, name) => client.volumes.inspectText(name),
}

const cluster = ['config', 'node', 'plugin', 'secret', 'service', 'task']

export default command({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  args: atLeast(1),
  flags: {
    format: string("How to print: 'json' or a Go template", { short: 'f' }),
    size: bool('Show how much disk containers use', { short: 's' }),
    type: string('Look among objects of this kind only'),
  },
  async run(context, { args, flags: { format, size, type } }) {
    const known = [...Object.keys(kinds), ...cluster].toSorted()
    if (type !== '' && !known.includes(type)) {
      throw new ExitError(
        1,
        `unknown type: "${type}": must be one of ${known.map((kind) => `"${kind}"`).join(', ')}`,
      )
    }
    if (cluster.includes(type)) throw new ExitError(1, `wharf manages no objects of type "${type}"`)
    const client = await context.client()
    const wanted = type === '' ? Object.values(kinds) : [kinds[type] as Find]
    const find = async (name: string): Promise<string> => {
      for (const look of wanted) {
        try {
          return await look(client, name, size)
        } catch (error) {
          const missing =
            error instanceof DaemonError &&
            (error.status === 404 || /no such|not found|invalid reference/i.test(error.message))
          if (!missing || wanted.length === 1) throw error
        }
      }
      throw new Error(`Error: No such object: ${name}`)
    }
    await inspectAll(context, { names: args, format, find })
  },
})
