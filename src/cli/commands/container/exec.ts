import type { ExecCreateRequest } from '#spec/docker/requests.ts'
import { atLeast, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, list, string } from '../../core/flag.ts'
import { isTerminal } from '../../core/output.ts'
import { detachKeysOf, followSize, runSession, terminalSize } from '../../core/session.ts'
import { readKeyValues } from '../../flags/environment.ts'

export default command({
  usage: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  args: atLeast(2),
  interspersed: false,
  flags: {
    detach: bool('Leave it running in the background', { short: 'd' }),
    'detach-keys': string('Keys that detach, instead of ctrl-p,ctrl-q'),
    env: list('Set a variable', { short: 'e' }),
    'env-file': list('Read variables from a file'),
    interactive: bool('Connect stdin', { short: 'i' }),
    privileged: bool('Give the command everything'),
    tty: bool('Give it a terminal', { short: 't' }),
    user: string('User, or uid (name|uid[:group|gid])', { short: 'u' }),
    workdir: string('Working directory', { short: 'w' }),
  },
  async run(context, { args: [name = '', ...Cmd], flags }) {
    const { execs } = await context.client()
    const detachKeys = detachKeysOf(context, flags['detach-keys'])
    if (!flags.detach && flags.tty && flags.interactive && !isTerminal(0))
      throw new ExitError(1, 'the input device is not a TTY')
    const size = flags.tty ? terminalSize() : null
    const consoleSize = size === null ? undefined : ([size.rows, size.columns] as const)
    const request: ExecCreateRequest = {
      User: flags.user,
      Privileged: flags.privileged,
      Tty: flags.tty,
      WorkingDir: flags.workdir,
      Cmd,
      Env: readKeyValues({
        files: flags['env-file'],
        values: flags.env,
        environment: context.config.environment,
      }),
      AttachStdin: !flags.detach && flags.interactive,
      AttachStdout: !flags.detach,
      AttachStderr: !flags.detach,
      DetachKeys: detachKeys,
      ...(consoleSize === undefined ? {} : { ConsoleSize: consoleSize }),
    }
    const { Id } = await execs.create(name, request)
    if (Id === '') throw new ExitError(1, 'exec ID empty')
    if (flags.detach) {
      await execs.startDetached(Id, { tty: flags.tty })
      return 0
    }
    const stream = await execs.start(Id, { tty: flags.tty, consoleSize })
    const stopSize =
      flags.tty && isTerminal(1) ? followSize((next) => execs.resize(Id, next)) : () => undefined
    try {
      const ended = await runSession(context, stream, {
        isTty: flags.tty,
        stdin: flags.interactive,
        detachKeys,
      })
      if (ended === 'detached') {
        context.err.line('read escape sequence')
        return 0
      }
    } finally {
      stopSize()
    }
    return (await execs.inspect(Id)).ExitCode ?? 0
  },
})
