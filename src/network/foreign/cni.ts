import { existsSync } from 'node:fs'
import { failpoint } from '#base/failpoint.ts'
import { errnoOf, InvalidArgumentError, UnavailableError, messageOf } from '#errors/errors.ts'
import { runProgram } from '#kernel/run-program.ts'
import { isRecord } from '#plugins/answer-fields.ts'
import { isAtLeast, parseCniConfig } from './cni-config.ts'
import type { CniConfig, CniPlugin } from './cni-config.ts'
import type { CniCall } from './ledger.ts'

/** Where the plugins are when a network does not say. */
export const CNI_PATH = '/opt/cni/bin:/usr/lib/cni'

type Command = 'ADD' | 'CHECK' | 'DEL' | 'GC'

/** Runs chains of CNI plugins ("Section 2: Execution Protocol", "Section 3: Execution of Network Configurations"). */
export class Cni {
  /** Runs ADD of all plugins in order, each with the result of the one before; returns the last result. @throws UnavailableError in the plugin's words. */
  async add(call: Omit<CniCall, 'result'>): Promise<unknown> {
    const config = parseCniConfig(call.config)
    let result: unknown = null
    for (const plugin of config.plugins) {
      result = await this.#run('ADD', plugin, { call: { ...call, result }, config })
      await failpoint('network.cni.plugin-added')
    }
    return result
  }

  /** Asks the plugins whether all is as they made it. @throws UnavailableError with what is not. */
  async check(call: CniCall): Promise<void> {
    const config = parseCniConfig(call.config)
    if (config.disableCheck || !isAtLeast(config.cniVersion, '0.4.0')) return
    for (const plugin of config.plugins) await this.#run('CHECK', plugin, { call, config })
  }

  /** Runs DEL of all plugins, the last first; what was never made, or is gone, is no error for them. @throws UnavailableError. */
  async del(call: CniCall): Promise<void> {
    const config = parseCniConfig(call.config)
    // A namespace that is gone is none to look into.
    const netnsPath = existsSync(call.netnsPath) ? call.netnsPath : ''
    for (const plugin of config.plugins.toReversed()) {
      await this.#run('DEL', plugin, { call: { ...call, netnsPath }, config })
    }
  }

  /** Tells the plugins which attachments there are, so that they clean up after others (since 1.1.0). @throws UnavailableError. */
  async collect(
    text: string,
    options: { readonly path: string; readonly valid: readonly CniCall[] },
  ): Promise<void> {
    const config = parseCniConfig(text)
    if (!isAtLeast(config.cniVersion, '1.1.0')) return
    const attachments = options.valid.map(({ containerId, ifname }) => ({ containerID: containerId, ifname }))
    for (const plugin of config.plugins) {
      await this.#exec('GC', plugin, {
        path: options.path,
        config: { ...header(config), ...plugin, 'cni.dev/valid-attachments': attachments },
        env: {},
      })
    }
  }

  #run(
    command: Command,
    plugin: CniPlugin,
    options: { readonly call: CniCall; readonly config: CniConfig },
  ): Promise<unknown> {
    const { call, config } = options
    const capabilities = isRecord(plugin['capabilities']) ? plugin['capabilities'] : {}
    const runtimeConfig = Object.fromEntries(
      Object.entries(call.runtimeConfig).filter(([name]) => capabilities[name] === true),
    )
    const { capabilities: _, ...own } = plugin
    return this.#exec(command, plugin, {
      path: call.path,
      config: {
        ...header(config),
        ...own,
        ...(Object.keys(runtimeConfig).length > 0 && { runtimeConfig }),
        ...(call.result !== null && { prevResult: call.result }),
      },
      env: { CNI_CONTAINERID: call.containerId, CNI_NETNS: call.netnsPath, CNI_IFNAME: call.ifname },
    })
  }

  async #exec(
    command: Command,
    plugin: CniPlugin,
    options: {
      readonly path: string
      readonly config: object
      readonly env: Readonly<Record<string, string>>
    },
  ): Promise<unknown> {
    const file = options.path
      .split(':')
      .map((directory) => `${directory}/${plugin.type}`)
      .find((path) => existsSync(path))
    if (file === undefined) {
      throw new InvalidArgumentError(`CNI plugin "${plugin.type}" was not found in ${options.path}`)
    }
    const failed = (reason: string, cause?: unknown): UnavailableError =>
      new UnavailableError(`CNI plugin "${plugin.type}" failed (${command}): ${reason}`, { cause })
    const env = { CNI_COMMAND: command, CNI_PATH: options.path, PATH: SYSTEM_PATH, ...options.env }
    const { exitCode, stdout, stderr } = await runProgram([file], {
      env,
      input: JSON.stringify(options.config),
      timeoutMs: TIMEOUT_MS,
    }).catch((error: unknown) => {
      throw failed(errnoOf(error) ?? messageOf(error), error)
    })
    if (exitCode === 0 && stdout.trim() === '') return null
    let answer: unknown
    try {
      answer = JSON.parse(stdout)
    } catch (cause) {
      throw failed(`exit code ${exitCode}: ${(stdout + stderr).trim().slice(0, 400)}`, cause)
    }
    if (exitCode === 0) return answer
    const { msg = '', details = '' } = isRecord(answer) ? answer : {}
    throw failed([msg, details].filter((text) => typeof text === 'string' && text !== '').join(': '))
  }
}

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const TIMEOUT_MS = 60_000

function header({ cniVersion, name }: CniConfig): object {
  return { cniVersion, name }
}
