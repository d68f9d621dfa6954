import { atMost, command } from '../core/command.ts'
import { ExitError } from '../core/exit.ts'
import { bool, string } from '../core/flag.ts'
import { isTerminal } from '../core/output.ts'
import { promptLine, promptSecret } from '../core/prompt.ts'
import { readAll } from '../core/stdin.ts'
import { writeConfigFile } from '../registry/config-file.ts'
import { credentialsFor, registryKey } from '../registry/credentials.ts'

export default command({
  usage: '[OPTIONS] [SERVER]',
  long: 'Without a server it is Docker Hub.',
  args: atMost(1),
  flags: {
    password: string('Password or access token', { short: 'p' }),
    'password-stdin': bool('Read the password from stdin'),
    username: string('User', { short: 'u' }),
  },
  async run(context, { args: [server = ''], flags, given }) {
    const { config } = context
    if (given('password')) {
      context.err.line('WARNING! Using --password via the CLI is insecure. Use --password-stdin.')
      if (flags['password-stdin'])
        throw new ExitError(1, '--password and --password-stdin are mutually exclusive')
    }
    if (flags['password-stdin'] && flags.username === '')
      throw new ExitError(1, 'Must provide --username with --password-stdin')
    const bare = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    const key = registryKey(bare)
    const stored =
      given('username') || given('password') || flags['password-stdin']
        ? null
        : await credentialsFor(config, bare === '' ? 'docker.io' : bare)
    if (stored !== null) context.out.line('Authenticating with existing credentials...')
    const username = stored?.username ?? (flags.username === '' ? await ask('Username: ') : flags.username)
    const secret = flags['password-stdin']
      ? (await readAll()).replace(/\r?\n$/, '')
      : (stored?.password ?? flags.password)
    const password =
      secret !== '' || stored?.identitytoken !== undefined
        ? secret
        : await ask('Password: ', { secret: true })
    if (password === '' && stored?.identitytoken === undefined)
      throw new ExitError(1, 'Error: Password Required')
    const { system } = await context.client()
    const { Status, IdentityToken } = await system.auth({
      username,
      password,
      serveraddress: key,
      ...(stored?.identitytoken === undefined ? {} : { identitytoken: stored.identitytoken }),
    } as never)
    const token = IdentityToken ?? ''
    const helper = config.file.credHelpers?.[key] ?? config.file.credsStore ?? ''
    if (helper !== '') {
      const { helperStore } = await import('../registry/credential-helper.ts')
      helperStore(helper, {
        server: key,
        username: token === '' ? username : '<token>',
        secret: token === '' ? password : token,
      })
      writeConfigFile(config, { ...config.file, auths: { ...config.file.auths, [key]: {} } })
    } else {
      const entry =
        token === ''
          ? { auth: Buffer.from(`${username}:${password}`).toString('base64') }
          : { auth: Buffer.from(`${username}:`).toString('base64'), identitytoken: token }
      writeConfigFile(config, { ...config.file, auths: { ...config.file.auths, [key]: entry } })
      context.err.line(
        `\nWARNING! Your credentials are stored unencrypted in '${config.directory}/config.json'.\nConfigure a credential helper to remove this warning.\n`,
      )
    }
    context.out.line(Status)
  },
})

async function ask(question: string, { secret = false }: { secret?: boolean } = {}): Promise<string> {
  if (!isTerminal(0))
    throw new ExitError(1, 'Error: Cannot perform an interactive login from a non TTY device')
  return secret ? promptSecret(question) : promptLine(question)
}
