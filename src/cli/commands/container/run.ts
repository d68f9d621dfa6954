import type { Client } from '#client/client.ts'
import { messageOf } from '#errors/errors.ts'
import { atLeast, command } from '../../core/command.ts'
import type { Context } from '../../core/context.ts'
import { createContainer } from '../../core/create-container.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { isTerminal } from '../../core/output.ts'
import { detachKeysOf, followSize, forwardSignals, runSession, terminalSize } from '../../core/session.ts'
import { containerFlags } from '../../flags/container-flags.ts'
import { proxyVariables } from '../../flags/proxies.ts'
import { containerRequest } from '../../flags/container-request.ts'
import type { ContainerFlagValues } from '../../flags/container-request.ts'
import { errorText } from '../../program.ts'

export default command({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: atLeast(1),
  flags: {
    ...containerFlags,
    detach: bool('Leave it running and print its id', { short: 'd' }),
    'detach-keys': string('Keys that detach, instead of ctrl-p,ctrl-q'),
    'sig-proxy': bool('Send signals on to the process', { initial: true }),
  },
  interspersed: false,
  errorStatus: 125,
  async run(context, { args: [image = '', ...rest], flags, given }) {
    const { detach } = flags
    const size = flags.tty ? terminalSize() : null
    const request = containerRequest({
      flags,
      given: given as (name: keyof ContainerFlagValues) => boolean,
      image,
      command: rest,
      environment: context.config.environment,
      proxies: proxyVariables(context.config),
      detach,
      consoleSize: size === null ? null : [size.rows, size.columns],
    })
    if (!detach && flags.tty && request.AttachStdin === true && !isTerminal(0))
      throw new ExitError(1, 'the input device is not a TTY')
    const client = await context.client()
    const platform = flags.platform || context.config.defaultPlatform
    const { name, pull, quiet, cidfile } = flags
    const id = await createContainer(context, { client, request, name, platform, pull, quiet, cidfile })
    const attached =
      request.AttachStdin === true || request.AttachStdout === true || request.AttachStderr === true
    if (!attached) return detached(context, { client, id })
    return attachAndStart(context, {
      client,
      id,
      isTty: flags.tty,
      streams: {
        stdin: request.AttachStdin === true,
        stdout: request.AttachStdout === true,
        stderr: request.AttachStderr === true,
      },
      detachKeys: detachKeysOf(context, flags['detach-keys']),
      sigProxy: flags['sig-proxy'],
      autoRemove: flags.rm,
    })
  },
})

async function detached(context: Context, { client, id }: { client: Client; id: string }): Promise<number> {
  try {
    await client.containers.start(id)
  } catch (error) {
    // The container is there all the same, unless --rm took it away.
    context.out.line(id)
    throw startError(error)
  }
  context.out.line(id)
  return 0
}

interface Attached {
  readonly client: Client
  readonly id: string
  readonly isTty: boolean
  readonly streams: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  readonly detachKeys: string
  readonly sigProxy: boolean
  readonly autoRemove: boolean
}

async function attachAndStart(context: Context, options: Attached): Promise<number> {
  const { client, id, isTty, streams, detachKeys, autoRemove } = options
  // Attached and waited for before the start, so that neither output nor exit code of a short run is missed.
  const [stream, { result }] = await Promise.all([
    client.containers.attach(id, { ...streams, isTty, detachKeys: detachKeys || undefined }),
    client.containers.wait(id, { condition: autoRemove ? 'removed' : 'next-exit' }),
  ])
  const stopSignals =
    options.sigProxy && !isTty
      ? forwardSignals((signal) => client.containers.kill(id, signal))
      : () => undefined
  const session = runSession(context, stream, { isTty, stdin: streams.stdin, detachKeys })
  session.catch(() => undefined)
  let stopSize = () => {}
  try {
    try {
      await client.containers.start(id)
    } catch (error) {
      stream.close()
      if (autoRemove) await result.catch(() => undefined)
      throw startError(error)
    }
    if (isTty) stopSize = followSize((size) => client.containers.resize(id, size))
    const ended = await session
    if (ended === 'detached') {
      context.err.line('read escape sequence')
      return 0
    }
    const { StatusCode, Error: failure } = await result
    if (failure?.Message !== undefined && failure.Message !== null && failure.Message !== '') {
      throw new ExitError(125, `Error waiting for container: ${failure.Message}`)
    }
    return StatusCode
  } finally {
    stopSize()
    stopSignals()
  }
}

/** The exit status says why the process could not start, as a shell's would. */
function startError(error: unknown): ExitError {
  const reason = messageOf(error)
  const missing = [
    'executable file not found',
    'no such file or directory',
    'system cannot find the file specified',
  ]
  const status = missing.some((words) => reason.includes(words))
    ? 127
    : /permission denied|is a directory/.test(reason)
      ? 126
      : 125
  return new ExitError(status, errorText(error), { withHint: true })
}
