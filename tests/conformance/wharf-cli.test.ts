import { fileURLToPath } from 'node:url'
import { compare } from './compare.ts'
import { networkScripts } from './network-scripts.ts'
import { containerScripts } from './scripts.ts'
import { storageScripts } from './storage-scripts.ts'

const wharf = fileURLToPath(new URL('../../bin/wharf', import.meta.url))
/** What no script of its own is needed for: they ask much of the daemon and little of the CLI. */
const daemonOnly = /from inside|what create refuses|restart policies|health|signals|namespaces between|build:/

await compare(
  'the wharf CLI in place of docker',
  [...containerScripts, ...storageScripts, ...networkScripts].filter(({ name }) => !daemonOnly.test(name)),
  wharf,
)
