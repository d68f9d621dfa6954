import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { busyboxArchive } from './busybox-image.ts'
import { Engine } from './engine.ts'
import { make } from './peers.ts'
import { kill, killTree, unmountBelow } from './sweep.ts'
import { scratchDirectory, scratchRoot } from './scratch.ts'
import { until } from './until.ts'

const enterRoot = fileURLToPath(new URL('./enter-root', import.meta.url))

export type PeerName = 'dockerd' | 'podman'

/**
 * A real dockerd out of the sid root, in mount, network and pid namespaces of its own: the reference to compare with. Podman, by the
 * same API, is for the benchmarks.
 */
export class ReferenceDockerd extends Engine {
  readonly name: PeerName
  readonly socketPath: string
  readonly root: string
  /** All its cgroups are below this one. */
  readonly #cgroup: string
  #child: ChildProcess | null = null
  #pid = 0

  private constructor(name: PeerName) {
    super()
    this.name = name
    this.root = scratchDirectory('d')
    this.socketPath = `${this.root}/docker.sock`
    this.#cgroup = this.root.replaceAll('/', '').replace(/^tmp/, '')
  }

  /** Starts it with the image `busybox` loaded; null when the sid root cannot be made, as without a network. */
  static async start(name: PeerName = 'dockerd'): Promise<ReferenceDockerd | null> {
    const { path, missing } = await make('sid')
    if (missing !== false) return null
    const daemon = new ReferenceDockerd(name)
    try {
      await daemon.#launch(path)
      await daemon.ok('load', '-i', await busyboxArchive())
    } catch (error) {
      await daemon.stop()
      throw error
    }
    return daemon
  }

  /** The process id of dockerd, as seen from here. */
  get pid(): number {
    return this.#pid
  }

  override get networkPrefix(): readonly string[] {
    return ['nsenter', `--net=/proc/${this.#pid}/ns/net`]
  }

  async stop(): Promise<void> {
    // Its pid namespace ends with its first process, and with it all containers.
    if (this.#pid !== 0) kill(this.#pid)
    this.#child?.kill('SIGKILL')
    await killTree(this.root, this.#cgroup)
    unmountBelow(this.root)
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 })
  }

  logTail(): string {
    const log = `${this.root}/daemon.log`
    return existsSync(log)
      ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-40).join('\n')
      : '(no log)'
  }

  get #command(): readonly string[] {
    if (this.name === 'podman') {
      return [
        'podman',
        '--root',
        `${this.root}/data`,
        '--runroot',
        '/run/podman',
        'system',
        'service',
        '-t',
        '0',
        `unix://${this.socketPath}`,
      ]
    }
    const roots = ['--data-root', `${this.root}/data`, '--exec-root', '/run/docker']
    return ['dockerd', '-H', `unix://${this.socketPath}`, ...roots, '--cgroup-parent', `/${this.#cgroup}`]
  }

  async #launch(sid: string): Promise<void> {
    if (this.name === 'podman') this.#configurePodman()
    const log = openSync(`${this.root}/daemon.log`, 'a')
    const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child']
    this.#child = spawn(
      'unshare',
      [...namespaces, enterRoot, sid, this.root, scratchRoot, ...this.#command],
      {
        stdio: ['ignore', log, log],
        env: { ...process.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
      },
    )
    closeSync(log)
    const child = this.#child
    await until(`${this.name} serves its API`, async () => {
      if (child.exitCode !== null) throw new Error(`${this.name} ended: ${this.logTail()}`)
      return (await this.api('GET', '/_ping')).status === 200
    })
    this.#pid = Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim())
  }

  /**
   * dockerd speaks HTTP to a registry on loopback unasked; a build of podman's asks for limits that a machine may not
   * allow. What is written here is what enter-root lays over /etc.
   */
  #configurePodman(): void {
    const folder = `${this.root}/upper/etc/containers/registries.conf.d`
    mkdirSync(folder, { recursive: true })
    const entries = [5000, 5001].map(
      (port) => `[[registry]]\nlocation = "127.0.0.1:${port}"\ninsecure = true\n`,
    )
    writeFileSync(`${folder}/loopback.conf`, entries.join(''))
    const limits = `default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]`
    writeFileSync(`${this.root}/upper/etc/containers/containers.conf`, `[containers]\n${limits}\n`)
  }
}
