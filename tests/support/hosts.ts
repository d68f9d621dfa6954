import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { createNetns, inNetns, openNetns, removeNetns } from '#kernel/netns.ts'
import { Rtnetlink } from '#kernel/netlink/rtnetlink.ts'
import { run, type CliResult } from './engine.ts'
import { scratchDirectory } from './scratch.ts'
import { until } from './until.ts'

/** A machine on a wire: a network namespace with one link, `eth0`. */
export class Host {
  readonly name: string
  readonly address: string
  readonly netnsPath: string
  /** The other end of its cable. */
  readonly cable: string

  constructor(options: {
    readonly name: string
    readonly address: string
    readonly netnsPath: string
    readonly cable: string
  }) {
    this.name = options.name
    this.address = options.address
    this.netnsPath = options.netnsPath
    this.cable = options.cable
  }

  /** Runs a program on this host. */
  run(...argv: readonly string[]): Promise<CliResult> {
    return run(['nsenter', `--net=${this.netnsPath}`, ...argv])
  }

  /** Starts a program on this host that goes on. */
  spawn(argv: readonly string[], log: string): ChildProcess {
    const fd = openSync(log, 'a')
    const child = spawn('nsenter', [`--net=${this.netnsPath}`, ...argv], { stdio: ['ignore', fd, fd] })
    closeSync(fd)
    return child
  }
}

/** Several hosts on one wire, each a network namespace: a bridge in the namespace of the test, which is on the wire as `.254`. */
export class Wire implements Disposable {
  readonly #base = `10.${randomInt(60, 90)}.${randomInt(1, 250)}`
  readonly #bridge = `wb${randomInt(0x1000_0000).toString(16)}`
  readonly #root = scratchDirectory('h')
  readonly #netlink = new Rtnetlink()
  readonly #hosts: Host[] = []

  constructor() {
    this.#netlink.addLink(this.#bridge, { kind: 'bridge' }, { up: true })
    this.#netlink.addAddress(this.#netlink.link(this.#bridge).index, this.here, 24)
  }

  /** The address of the test on the wire. */
  get here(): string {
    return `${this.#base}.254`
  }

  add(name: string): Host {
    const number = this.#hosts.length + 1
    const cable = `${this.#bridge.slice(0, 10)}c${String(number)}`
    const host = new Host({
      name,
      cable,
      address: `${this.#base}.${String(number)}`,
      netnsPath: `${this.#root}/${name}`,
    })
    createNetns(host.netnsPath, () => {})
    const fd = openNetns(host.netnsPath)
    try {
      const master = this.#netlink.link(this.#bridge).index
      this.#netlink.addLink(
        cable,
        { kind: 'veth', peer: { name: 'eth0', netnsFd: fd } },
        { master, up: true },
      )
      using inside = inNetns(fd, () => new Rtnetlink())
      const { index } = inside.link('eth0')
      inside.addAddress(index, host.address, 24)
      inside.setLink(index, { up: true })
      inside.setLink(1, { up: true })
      inside.addRoute({ family: 4, gateway: this.here })
    } finally {
      closeSync(fd)
    }
    this.#hosts.push(host)
    return host
  }

  /** Pulls the cable of a host out, or puts it in again. */
  plug(host: Host, isIn: boolean): void {
    this.#netlink.setLink(this.#netlink.link(host.cable).index, { up: isIn })
  }

  [Symbol.dispose](): void {
    for (const { cable, netnsPath } of this.#hosts) {
      this.#netlink.deleteLink(cable)
      removeNetns(netnsPath)
    }
    this.#netlink.deleteLink(this.#bridge)
    this.#netlink[Symbol.dispose]()
  }
}

/** PEM files of a server that also asks itself as a client, as etcd does. */
export interface TlsFiles {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** One member of an etcd cluster, on a host of its own. */
export class EtcdServer {
  readonly host: Host
  readonly #members: readonly Host[]
  readonly #tls: TlsFiles | null
  readonly #root = scratchDirectory('e')
  #child: ChildProcess | null = null

  /** @param options.members all hosts of the cluster; `tls`: clients need a certificate of the same CA. */
  constructor(host: Host, options: { readonly members?: readonly Host[]; readonly tls?: TlsFiles } = {}) {
    this.host = host
    this.#members = options.members ?? [host]
    this.#tls = options.tls ?? null
  }

  /** For cluster-store. */
  get server(): string {
    return `${this.host.address}:2379`
  }

  /** Starts it; its data are kept from the last time. With several members, start all before one is `ready`. */
  start(): void {
    mkdirSync(this.#root, { recursive: true })
    const peer = (host: Host): string => `http://${host.address}:2380`
    const flags = {
      name: this.host.name,
      'data-dir': `${this.#root}/data`,
      'listen-client-urls': this.#url,
      'advertise-client-urls': this.#url,
      'listen-peer-urls': peer(this.host),
      'initial-advertise-peer-urls': peer(this.host),
      'initial-cluster': this.#members.map((host) => `${host.name}=${peer(host)}`).join(','),
      'heartbeat-interval': '200',
      'election-timeout': '2000',
      ...(this.#tls !== null && {
        'client-cert-auth': 'true',
        'trusted-ca-file': this.#tls.ca,
        'cert-file': this.#tls.cert,
        'key-file': this.#tls.key,
      }),
    }
    const argv = ['etcd', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)]
    this.#child = this.host.spawn(argv, `${this.#root}/etcd.log`)
  }

  async ready(): Promise<void> {
    const tls = this.#tls === null ? [] : ['--cert', this.#tls.cert, '--key', this.#tls.key]
    await until('etcd serves', async () => {
      const { stdout } = await this.host.run('curl', '-sk', '-m', '2', ...tls, `${this.#url}/health`)
      return stdout.includes('true')
    })
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await ended
    this.#child = null
  }

  /** Loses all that it knew; it does not run. */
  forget(): void {
    rmSync(`${this.#root}/data`, { recursive: true, force: true })
  }

  get #url(): string {
    return `${this.#tls === null ? 'http' : 'https'}://${this.server}`
  }
}
