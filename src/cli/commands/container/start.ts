import type { Client } from '#client/client.ts'
import { atLeast, command } from '../../core/command.ts'
import type { Context } from '../../core/context.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { detachKeysOf, followSize, forwardSignals, runSession } from '../../core/session.ts'
import { errorText } from '../../program.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: {
    attach: bool('Show its output and send signals on', { short: 'a' }),
    'detach-keys': string('Keys that detach, instead of ctrl-p,ctrl-q'),
    interactive: bool('Connect its stdin', { short: 'i' }),
  },
  async run(context, { args, flags }) {
    const client = await context.client()
    if (flags.attach || flags.interactive) {
      if (args.length > 1) throw new ExitError(1, 'you cannot start and attach multiple containers at once')
      return startAttached(context, {
        client,
        name: args[0] ?? '',
        stdin: flags.interactive,
        detachKeys: detachKeysOf(context, flags['detach-keys']),
      })
    }
    const failed: string[] = []
    for (const name of args) {
      try {
        await client.containers.start(name)
        context.out.line(name)
      } catch (error) {
        context.err.line(errorText(error))
        failed.push(name)
      }
    }
    if (failed.length > 0) throw new ExitError(1, `Error: failed to start containers: ${failed.join(', ')}`)
    return 0
  },
})

interface Wanted {
  readonly client: Client
  readonly name: string
  readonly stdin: boolean
  readonly detachKeys: string
}

async function startAttached(context: Context, { client, name, stdin, detachKeys }: Wanted): Promise<number> {
  const { Id, Config, HostConfig } = await client.containers.inspect(name)
  const id = Id ?? name
  const isTty = Config?.Tty === true
  const withStdin = stdin && Config?.OpenStdin === true
  const keys = detachKeys || undefined
  const stream = await client.containers.attach(id, {
    stdin: withStdin,
    stdout: true,
    stderr: true,
    isTty,
    detachKeys: keys,
  })
  const { result } = await client.containers.wait(id, {
    condition: HostConfig?.AutoRemove === true ? 'removed' : 'next-exit',
  })
  const stopSignals = isTty ? () => undefined : forwardSignals((signal) => client.containers.kill(id, signal))
  const session = runSession(context, stream, { isTty, stdin: withStdin, detachKeys })
  session.catch(() => undefined)
  let stopSize = () => {}
  try {
    try {
      await client.containers.start(id)
    } catch (error) {
      stream.close()
      throw new ExitError(1, `${errorText(error)}\nError: failed to start containers: ${name}`)
    }
    if (isTty) stopSize = followSize((size) => client.containers.resize(id, size))
    if ((await session) === 'detached') {
      context.err.line('read escape sequence')
      return 0
    }
    return (await result).StatusCode
  } finally {
    stopSize()
    stopSignals()
  }
}
