import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomInt } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { busyboxArchive } from './busybox-image.ts'
import { Engine, run } from './engine.ts'
import { killTree, unmountBelow } from './sweep.ts'
import { scratchDirectory, scratchTag } from './scratch.ts'
import { until } from './until.ts'

const main = fileURLToPath(new URL('../../src/daemon/main.ts', import.meta.url))
const startLimitMs = 60_000

export type WharfdOptions = {
  /** What daemon.json holds. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Variables for the daemon, such as WHARF_FAILPOINTS. */
  readonly env?: Readonly<Record<string, string>>
  /** Flags after those which keep this daemon apart from others. */
  readonly flags?: readonly string[]
  /** The program to run instead of the sources: `bin/wharfd` beside a bundle. */
  readonly program?: string
  /** The network namespace to run in, and a name for it: a host of its own, whose end is not that of the others. */
  readonly host?: { readonly netnsPath: string; readonly name: string }
}

/** A wharfd with roots, socket and bridge of its own. */
export class Wharfd extends Engine {
  readonly name = 'wharfd'
  readonly root: string
  readonly socketPath: string
  readonly bridge: string
  /** The address of the bridge. */
  readonly gateway: string
  readonly #cgroup: string
  #options: WharfdOptions
  #child: ChildProcess | null = null

  private constructor(options: WharfdOptions) {
    super()
    this.#options = options
    this.root = scratchDirectory('w')
    this.#cgroup = `${scratchTag}${options.host?.name ?? ''}`
    this.socketPath = `${this.root}/wharf.sock`
    this.bridge = `wt${createHash('sha256').update(this.root).digest('hex').slice(0, 8)}`
    this.gateway = `10.${randomInt(100, 250)}.${randomInt(1, 250)}.1`
  }

  /** Starts a daemon and waits until it serves its API. Stop it with `stop`, also when the test fails. */
  static async start(options: WharfdOptions = {}): Promise<Wharfd> {
    const daemon = new Wharfd(options)
    await daemon.#launch()
    return daemon
  }

  /** As `start`, with the image `busybox` loaded. */
  static async startWithBusybox(options: WharfdOptions = {}): Promise<Wharfd> {
    const daemon = await Wharfd.start(options)
    try {
      await daemon.ok('load', '-i', await busyboxArchive())
    } catch (error) {
      await daemon.stop()
      throw error
    }
    return daemon
  }

  /** The process id of the daemon, which must be running. */
  get pid(): number {
    return this.#child!.pid!
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Kills the daemon as a crash would (SIGKILL); its containers go on. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Ends the daemon politely (SIGTERM); its containers go on. */
  async terminate(): Promise<void> {
    await this.#end('SIGTERM')
  }

  /** Waits for the daemon to end by itself, as it does at a failpoint. */
  async ended(): Promise<void> {
    await until('the daemon has ended', () => !this.isRunning)
  }

  /** Starts the daemon that has ended, on the same roots; with other options if given. */
  async restart(options: WharfdOptions = this.#options): Promise<void> {
    this.#options = options
    await this.#launch()
  }

  /** Kills the daemon and starts it again. */
  async crash(): Promise<void> {
    await this.kill()
    await this.restart()
  }

  /** What a reboot of the machine does: every process ends at once, mounts, links and the exec root are gone; then a new start. */
  async boot(): Promise<void> {
    await this.powerOff()
    await this.restart()
  }

  async stop(): Promise<void> {
    try {
      if (!this.isRunning) await this.restart({ ...this.#options, env: {} })
      await this.#removeAll()
      await this.terminate()
      await run(['nft', 'delete', 'table', 'inet', 'wharf'])
    } finally {
      await this.powerOff()
      rmSync(this.root, { recursive: true, force: true })
    }
  }

  logTail(): string {
    const log = `${this.root}/daemon.log`
    if (!existsSync(log)) return '(no log)'
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-40).join('\n')
  }

  /** All of the log that the daemon has written. */
  log(): string {
    return readFileSync(`${this.root}/daemon.log`, 'utf8')
  }

  async #removeAll(): Promise<void> {
    const containers = (await this.call('GET', '/containers/json?all=1')) as { Id: string }[]
    await Promise.all(containers.map(({ Id }) => this.api('DELETE', `/containers/${Id}?force=1&v=1`)))
    await this.api('POST', '/networks/prune')
  }

  async #launch(): Promise<void> {
    mkdirSync(this.root, { recursive: true })
    writeFileSync(`${this.root}/daemon.json`, JSON.stringify(this.#options.config ?? {}))
    const log = openSync(`${this.root}/daemon.log`, 'a')
    const sources = [process.execPath, '--disable-warning=ExperimentalWarning', main] as const
    const program = this.#options.program === undefined ? sources : [this.#options.program]
    const [file = '', ...args] = [...this.#enter(), ...program, ...this.#flags()]
    const child = spawn(file, args, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#options.env },
      cwd: '/',
    })
    closeSync(log)
    this.#child = child
    await until(
      `wharfd serves ${this.socketPath}`,
      async () => {
        if (!this.isRunning) return 'ended'
        return (await this.api('GET', '/_ping')).status === 200
      },
      { timeoutMs: startLimitMs },
    ).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw new Error(`wharfd does not serve: ${this.logTail()}`, { cause: error })
    })
    if (!this.isRunning)
      throw new Error(`wharfd ended with ${child.exitCode ?? child.signalCode}: ${this.logTail()}`)
  }

  #flags(): readonly string[] {
    return [
      ...[
        '-H',
        `unix://${this.socketPath}`,
        '--data-root',
        `${this.root}/data`,
        '--exec-root',
        `${this.root}/run`,
      ],
      ...['--pidfile', `${this.root}/wharfd.pid`, '--config-file', `${this.root}/daemon.json`],
      ...['--bridge', this.bridge, '--bip', `${this.gateway}/24`, '--cgroup-parent', `/${this.#cgroup}`],
      ...(this.#options.flags ?? []),
    ]
  }

  /** What goes before a command that runs on the daemon's host. */
  #enter(): readonly string[] {
    const { host } = this.#options
    return host === undefined ? [] : ['nsenter', `--net=${host.netnsPath}`]
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return
    this.#child!.kill(signal)
    await until(`the daemon has ended on ${signal}`, () => !this.isRunning)
  }

  /** The first half of `boot`. */
  async powerOff(): Promise<void> {
    if (this.isRunning) await this.#end('SIGKILL')
    await killTree(this.root, this.#cgroup)
    unmountBelow(this.root)
    rmSync(`${this.root}/run`, { recursive: true, force: true })
    await run([...this.#enter(), 'ip', 'link', 'delete', this.bridge])
  }
}
