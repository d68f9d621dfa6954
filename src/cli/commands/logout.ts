import { atMost, command } from '../core/command.ts'
import { ExitError } from '../core/exit.ts'
import { writeConfigFile } from '../registry/config-file.ts'
import { registryKey } from '../registry/credentials.ts'

export default command({
  usage: '[SERVER]',
  long: 'Without a server it is Docker Hub.',
  args: atMost(1),
  flags: {},
  async run(context, { args: [server = ''] }) {
    const { config } = context
    const bare = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
    const key = registryKey(bare)
    const auths = { ...config.file.auths }
    const names = [key, bare, `https://${bare}`, `http://${bare}`].filter((name) =>
      Object.hasOwn(auths, name),
    )
    const helper = config.file.credHelpers?.[key] ?? config.file.credsStore ?? ''
    context.out.line(
      names.length === 0 && helper === ''
        ? `Not logged in to ${key}`
        : `Removing login credentials for ${bare === '' ? key : bare}`,
    )
    if (helper !== '') {
      try {
        ;(await import('../registry/credential-helper.ts')).helperErase(helper, key)
      } catch (error) {
        throw new ExitError(
          1,
          `WARNING: could not erase credentials:\n${bare}: ${error instanceof Error ? error.message : String(error)}`,
        )
      }
    }
    for (const name of names) delete auths[name]
    if (names.length > 0) writeConfigFile(config, { ...config.file, auths })
  },
})
