import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { isTerminal } from '../../core/output.ts'
import { detachKeysOf, followSize, forwardSignals, runSession } from '../../core/session.ts'

export default command({
  usage: '[OPTIONS] CONTAINER',
  args: exactly(1),
  flags: {
    'detach-keys': string('Keys that detach, instead of ctrl-p,ctrl-q'),
    'no-stdin': bool('Do not connect stdin'),
    'sig-proxy': bool('Send signals on to the process', { initial: true }),
  },
  async run(context, { args: [name = ''], flags }) {
    const { containers } = await context.client()
    const { Config, State, Id } = await containers.inspect(name)
    if (State?.Running !== true)
      throw new ExitError(1, 'You cannot attach to a stopped container, start it first')
    if (State.Paused === true)
      throw new ExitError(1, 'You cannot attach to a paused container, unpause it first')
    if (State.Restarting === true)
      throw new ExitError(1, 'You cannot attach to a restarting container, wait until it is running')
    const id = Id ?? name
    const isTty = Config?.Tty === true
    const stdin = !flags['no-stdin'] && Config?.OpenStdin === true
    if (isTty && stdin && !isTerminal(0)) throw new ExitError(1, 'the input device is not a TTY')
    const detachKeys = detachKeysOf(context, flags['detach-keys'])
    const { result } = await containers.wait(id)
    const stream = await containers.attach(id, {
      stdin,
      stdout: true,
      stderr: true,
      isTty,
      detachKeys: detachKeys || undefined,
    })
    const stopSignals =
      flags['sig-proxy'] && !isTty ? forwardSignals((signal) => containers.kill(id, signal)) : () => undefined
    const stopSize = isTty ? followSize((size) => containers.resize(id, size)) : () => undefined
    try {
      if ((await runSession(context, stream, { isTty, stdin, detachKeys })) === 'detached') {
        context.err.line('read escape sequence')
        return 0
      }
      return (await result).StatusCode
    } finally {
      stopSize()
      stopSignals()
    }
  },
})
