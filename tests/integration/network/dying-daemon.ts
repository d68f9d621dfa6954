import { text } from 'node:stream/consumers'
import { armFailpoints } from '#base/failpoint.ts'
import { newId } from '#base/ids.ts'
import { silentLogger } from '#base/logger.ts'
import { networkSchema } from '#network/network-store.ts'
import { openNetworks, type NetworksOptions } from '#network/open-networks.ts'
import { openPlugins } from '#plugins/open-plugins.ts'
import type { NetworkCreateRequest } from '#spec/docker/requests.ts'
import { openDatabase } from '#store/database.ts'

/** A process that makes two sandboxes, says so, and is killed: by a failpoint or by itself. */
const asked = JSON.parse(await text(process.stdin)) as {
  readonly root: string
  readonly options: Omit<NetworksOptions, 'database' | 'log' | 'events'>
  readonly port: number
  readonly failpoints: string
  /** A network to make first, which the sandboxes are in; a directory with sockets of plugins. */
  readonly network: NetworkCreateRequest | null
  readonly plugins: string | null
}
const networks = openNetworks({
  ...asked.options,
  database: openDatabase(`${asked.root}/network.db`, [networkSchema]),
  log: silentLogger,
  events: { network() {} },
  ...(asked.plugins !== null && {
    plugins: openPlugins({ logger: silentLogger, directories: { sockets: asked.plugins, specs: [] } }),
  }),
})
await networks.recover(new Set())
armFailpoints(asked.failpoints)
const primary = asked.network?.Name ?? 'bridge'
if (asked.network !== null) await networks.create(asked.network)
for (const portBindings of [
  { '80/tcp': [{ HostPort: String(asked.port) }] },
  { '80/tcp': [{ HostIp: '127.0.0.1' }] },
]) {
  const containerId = newId()
  const sandbox = await networks.sandbox({
    containerId,
    containerName: `c${containerId.slice(0, 6)}`,
    mode: { kind: 'networks', primary, endpoints: { [primary]: {} } },
    hostname: '',
    domainname: '',
    dns: { servers: [], options: [], search: [] },
    extraHosts: [],
    portBindings,
    exposedPorts: [],
    publishAll: false,
    links: [],
  })
  // Written at once: the process does not live to flush a stream.
  const { writeSync } = await import('node:fs')
  writeSync(1, `${containerId} ${sandbox.netnsPath ?? ''}\n`)
}
process.kill(process.pid, 'SIGKILL')
