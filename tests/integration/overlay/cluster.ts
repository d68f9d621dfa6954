import { EtcdServer, Wire, type Host } from '../../support/hosts.ts'
import { until } from '../../support/until.ts'
import { Wharfd, type WharfdOptions } from '../../support/wharfd.ts'

/** Daemons on hosts of their own, on one wire with the etcd that they share. */
export class Cluster implements AsyncDisposable {
  readonly wire: Wire = new Wire()
  readonly etcd: EtcdServer
  readonly hosts: Host[] = []
  readonly daemons: Wharfd[] = []
  /** Of each daemon, to start it again. */
  readonly options: WharfdOptions[] = []

  private constructor() {
    this.etcd = new EtcdServer(this.wire.add('store'))
  }

  /** Starts as many daemons as there are names. */
  static async start(...names: readonly string[]): Promise<Cluster> {
    const cluster = new Cluster()
    try {
      cluster.etcd.start()
      await cluster.etcd.ready()
      for (const name of names) cluster.hosts.push(cluster.wire.add(name))
      for (const host of cluster.hosts) cluster.options.push(optionsFor(host, cluster.etcd.server))
      await Promise.all(
        cluster.options.map(async (options, index) => {
          cluster.daemons[index] = await Wharfd.startWithBusybox(options)
        }),
      )
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return cluster
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.stop()))
    await this.etcd.kill()
    this.wire[Symbol.dispose]()
  }
}

/** Short times: a host that is silent is gone after 4 s, and its silent containers 3 s later. */
export function optionsFor(
  host: Host,
  servers: string,
  more: Readonly<Record<string, string>> = {},
): WharfdOptions {
  const config = {
    'cluster-store': `etcd://${servers}`,
    'cluster-advertise': 'eth0:2376',
    // Nobody serves names there: what is unknown is so at once.
    dns: ['127.0.0.1'],
    'cluster-store-opts': {
      'discovery.ttl': '4',
      'discovery.heartbeat': '1',
      'discovery.grace': '3',
      ...more,
    },
  }
  return { config, host: { netnsPath: host.netnsPath, name: host.name } }
}

/** Waits until a host knows a network. */
export async function knows(daemon: Wharfd, network: string): Promise<void> {
  await until(
    `${network} is known`,
    async () => (await daemon.docker('network', 'inspect', network)).exitCode === 0,
  )
}

/** Starts a container that does nothing; returns its address in the network. */
export async function idle(
  daemon: Wharfd,
  network: string,
  name: string,
  ...flags: readonly string[]
): Promise<string> {
  await daemon.ok('run', '-d', '--name', name, '--network', network, ...flags, 'busybox', 'sleep', '100000')
  return await addressIn(daemon, network, name)
}

export async function addressIn(daemon: Wharfd, network: string, name: string): Promise<string> {
  const { NetworkSettings } = await daemon.call('GET', `/containers/${name}/json`)
  return NetworkSettings.Networks[network]?.IPAddress ?? ''
}

/** Waits until a container reaches another, by address or by name. */
export async function reaches(daemon: Wharfd, name: string, target: string): Promise<void> {
  await until(`${name} reaches ${target}`, () => pings(daemon, name, target))
}

export async function pings(daemon: Wharfd, name: string, target: string): Promise<boolean> {
  const { exitCode } = await daemon.docker('exec', name, 'ping', '-c', '1', '-W', '1', target)
  return exitCode === 0
}

/** Waits until a name means exactly these addresses to a container; none: it is unknown. */
export async function resolves(
  daemon: Wharfd,
  name: string,
  options: { readonly asked: string; readonly addresses: readonly string[] },
): Promise<void> {
  const wanted = options.addresses.toSorted().join(' ')
  await until(`${options.asked} is ${wanted || 'unknown'} to ${name}`, async () => {
    const { stdout } = await daemon.docker('exec', name, 'nslookup', '-type=a', options.asked)
    const found = [...stdout.matchAll(/^Name:.*\nAddress: (\S+)$/gm)].map(([, address]) => address ?? '')
    return found.toSorted().join(' ') === wanted
  })
}

/** Waits until the containers that a host lists in a network are these. */
export async function lists(daemon: Wharfd, network: string, names: readonly string[]): Promise<void> {
  const wanted = names.toSorted().join(' ')
  await until(`${network} holds ${wanted || 'nobody'}`, async () => {
    const { Containers } = await daemon.call('GET', `/networks/${network}`)
    const found = Object.values(Containers as Record<string, { Name: string }>).map(({ Name }) => Name)
    return found.toSorted().join(' ') === wanted
  })
}
