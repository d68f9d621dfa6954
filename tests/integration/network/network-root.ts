import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { silentLogger } from '#base/logger.ts'
import { newId } from '#base/ids.ts'
import { networkSchema } from '#network/network-store.ts'
import type { NetworkMode, Networks, Sandbox, SandboxRequest } from '#network/networks.ts'
import { openNetworks, type NetworksOptions } from '#network/open-networks.ts'
import type { EndpointSettings } from '#spec/docker/network.ts'
import { openDatabase, type Database } from '#store/database.ts'
import { scratchDirectory } from '../../support/scratch.ts'
import { until } from '../../support/until.ts'

/** Networking by itself: no daemon, no containers, sandboxes only. Bridge and subnets are of this test alone. */
export class NetworkRoot implements AsyncDisposable {
  readonly root: string = scratchDirectory('n')
  readonly bridge = `wn${randomInt(0x1000_0000).toString(16)}`
  /** `10.x.y`: the default bridge is `.0.0/24` of it, user-defined networks come from `10.(x+1).0.0/16`. */
  readonly base = randomInt(100, 120)
  readonly bip: string = `10.${this.base}.0.1/24`
  readonly events: string[] = []
  readonly #children = new Set<ChildProcess>()
  #more: Partial<NetworksOptions>
  #database: Database | null = null
  #networks: Networks | null = null

  constructor(more: Partial<NetworksOptions> = {}) {
    this.#more = more
  }

  /** Opens it, or opens it again as after a restart of the daemon. */
  async open(running: readonly string[] = []): Promise<Networks> {
    this.#database = openDatabase(`${this.root}/network.db`, [networkSchema])
    this.#networks = openNetworks({ ...this.options(), database: this.#database })
    await this.#networks.recover(new Set(running))
    return this.#networks
  }

  options(): Omit<NetworksOptions, 'database'> {
    return {
      execRoot: `${this.root}/run`,
      log: silentLogger,
      events: {
        network: ({ action, attributes }) => this.events.push(`${action} ${attributes['name'] ?? ''}`),
      },
      defaultBridge: {
        bridge: this.bridge,
        bip: this.bip,
        fixedCidr: null,
        mtu: null,
        icc: true,
        masquerade: true,
        defaultIp: '0.0.0.0',
      },
      addressPools: [{ base: `10.${this.base + 1}.0.0/16`, size: 24 }],
      dns: { servers: [], search: [], options: [] },
      hostGatewayIp: null,
      ipForward: true,
      userlandProxy: true,
      ...this.#more,
    }
  }

  /** Other options for the next `open`. */
  change(more: Partial<NetworksOptions>): void {
    this.#more = { ...this.#more, ...more }
  }

  get networks(): Networks {
    if (this.#networks === null) throw new Error('not open')
    return this.#networks
  }

  /** Ends what the tests started, releases all sandboxes and networks. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    if (this.#networks !== null) {
      const attached = this.networks.list(new Map()).flatMap((network) => Object.keys(network.Containers))
      for (const id of attached) await this.networks.release(id)
      await this.networks.prune(new Map())
    }
    await this.close()
    rmSync(this.root, { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await this.#networks?.close()
    this.#database?.close()
    this.#networks = null
    this.#database = null
  }

  /** A sandbox as `docker run --network NAME` would ask for it. */
  sandbox(
    options: {
      readonly name?: string
      readonly network?: string | Readonly<Record<string, EndpointSettings>>
      readonly mode?: NetworkMode
      readonly more?: Partial<SandboxRequest>
    } = {},
  ): Promise<Sandbox & { readonly id: string }> {
    const { network = 'bridge' } = options
    const endpoints = typeof network === 'string' ? { [network]: {} } : network
    const mode: NetworkMode = options.mode ?? {
      kind: 'networks',
      primary: Object.keys(endpoints)[0] ?? 'bridge',
      endpoints,
    }
    const id = newId()
    const request: SandboxRequest = {
      containerId: id,
      containerName: options.name ?? `c${id.slice(0, 6)}`,
      mode,
      hostname: '',
      domainname: '',
      dns: { servers: [], options: [], search: [] },
      extraHosts: [],
      portBindings: {},
      exposedPorts: [],
      publishAll: false,
      links: [],
      ...options.more,
    }
    return this.networks.sandbox(request).then((sandbox) => ({ ...sandbox, id }))
  }

  /** Runs a program in a namespace (null: here) and returns what it wrote. */
  async run(netnsPath: string | null, ...argv: readonly string[]): Promise<string> {
    const child = this.#spawn(netnsPath, argv, 'pipe')
    const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)])
    return `${out}${err}`
  }

  /** Serves a text at a TCP port in a namespace until the end; returns when it listens. */
  async serve(netnsPath: string | null, port: number, answer: string): Promise<void> {
    this.#spawn(netnsPath, ['busybox', 'nc', '-ll', '-p', String(port), '-e', 'echo', answer], 'ignore')
    const listening = new RegExp(`:${String(port)} .*LISTEN`)
    await until(`port ${String(port)} is served`, async () =>
      listening.test(await this.run(netnsPath, 'busybox', 'netstat', '-lnt')),
    )
  }

  /** Waits until a server gives this answer to a client in a namespace; a loaded machine may need more than one attempt. */
  async answers(
    expected: string,
    ...target: readonly [netnsPath: string | null, host: string, port: number]
  ): Promise<void> {
    let last = ''
    await until(
      `${target.join(' ')} answers ${expected}`,
      async () => {
        last = await this.reach(...target)
        return last !== ''
      },
      { timeoutMs: 30_000 },
    )
    assert.equal(last, expected)
  }

  /** What a server answers to a client in a namespace; '' when it cannot be reached. */
  async reach(netnsPath: string | null, host: string, port: number): Promise<string> {
    const said = await this.run(netnsPath, 'busybox', 'nc', '-w', '3', host, String(port))
    return said.startsWith('nc:') ? '' : said.trim()
  }

  #spawn(netnsPath: string | null, argv: readonly string[], stdio: 'pipe' | 'ignore'): ChildProcess {
    const [file = '', ...args] = netnsPath === null ? argv : ['nsenter', `--net=${netnsPath}`, ...argv]
    const child = spawn(file, args, { stdio: ['ignore', stdio, stdio] })
    this.#children.add(child)
    child.on('close', () => this.#children.delete(child))
    return child
  }
}

/** An address of the endpoint, which must have one. */
export function addressOf(sandbox: Sandbox, network: string): string {
  const address = sandbox.endpoints[network]?.IPAddress ?? ''
  if (address === '') throw new Error(`no address in ${network}`)
  return address
}

/** A path of a namespace of its own; never the host's. */
export function namespaceOf(sandbox: Sandbox): string {
  if (sandbox.netnsPath === null) throw new Error('the sandbox has no namespace')
  return sandbox.netnsPath
}
