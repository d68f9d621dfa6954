import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, openSync, closeSync, writeFileSync } from 'node:fs'
import { run, type Engine } from '../../tests/support/engine.ts'
import { scratchDirectory } from '../../tests/support/scratch.ts'
import { until } from '../../tests/support/until.ts'

/** Debian's docker-registry, once in the network namespace of each engine, on the same files. */
export class LocalRegistry {
  readonly address: string
  readonly #root = scratchDirectory('registry')
  readonly #children = new Map<string, ChildProcess>()

  constructor(port: number) {
    this.address = `127.0.0.1:${String(port)}`
    mkdirSync(`${this.#root}/data`)
    const config = {
      version: 0.1,
      log: { level: 'error', accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: `${this.#root}/data` }, delete: { enabled: true } },
      http: { addr: this.address },
    }
    // JSON is YAML.
    writeFileSync(`${this.#root}/config.yml`, JSON.stringify(config))
  }

  /** Serves an engine; again is fine. */
  async serve(engine: Engine): Promise<void> {
    if (this.#children.has(engine.name)) return
    const log = openSync(`${this.#root}/${engine.name}.log`, 'a')
    const argv = [...engine.networkPrefix, 'docker-registry', 'serve', `${this.#root}/config.yml`]
    this.#children.set(engine.name, spawn(argv[0]!, argv.slice(1), { stdio: ['ignore', log, log] }))
    closeSync(log)
    await until('the registry answers', async () => {
      const answer = await run([...engine.networkPrefix, 'curl', '-sf', `http://${this.address}/v2/`])
      return answer.exitCode === 0
    })
  }

  /** Puts an image of an OCI layout into it, by way of the first engine's namespace. */
  async put(layout: string, name: string): Promise<void> {
    const { exitCode, stderr } = await run([
      ...['skopeo', 'copy', '--quiet', '--dest-tls-verify=false'],
      ...[`oci:${layout}:${name}`, `docker://${this.address}/${name}:1`],
    ])
    if (exitCode !== 0) throw new Error(`skopeo: ${stderr}`)
  }

  stop(): void {
    for (const child of this.#children.values()) child.kill('SIGKILL')
  }
}
