import { request, type IncomingHttpHeaders } from 'node:http'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { scratchRoot } from './scratch.ts'

export type CliResult = { readonly exitCode: number; readonly stdout: string; readonly stderr: string }
export type ApiAnswer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Parsed when it is JSON, else text. */
  readonly body: any
}
export type CliOptions = {
  readonly input?: string | Buffer
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  readonly timeoutMs?: number
  /** The client to run; the stock docker CLI when absent. */
  readonly cli?: string
}

const cliCandidates = ['/usr/local/bin/docker', '/usr/bin/docker']

/** The stock docker CLI: the newest on this machine. */
export const dockerCli: string = cliCandidates.find((path) => existsSync(path)) ?? 'docker'

/** A daemon that serves Docker's API on a unix socket: ours, or one to compare with. */
export abstract class Engine {
  abstract readonly socketPath: string
  abstract readonly name: string

  /** Stops the daemon and removes all that it made. */
  abstract stop(): Promise<void>

  /** The last lines of the daemon's log. */
  abstract logTail(): string

  /** Arguments before a command so that it runs where the published ports of this daemon are. */
  get networkPrefix(): readonly string[] {
    return []
  }

  /** Runs the stock docker CLI against this daemon. */
  docker(...args: readonly (string | CliOptions)[]): Promise<CliResult> {
    const options = args.find((arg): arg is CliOptions => typeof arg !== 'string') ?? {}
    const words = args.filter((arg): arg is string => typeof arg === 'string')
    const config = `${scratchRoot}/docker-config`
    mkdirSync(config, { recursive: true })
    return run([options.cli ?? dockerCli, ...words], {
      ...options,
      env: {
        DOCKER_HOST: `unix://${this.socketPath}`,
        DOCKER_CONFIG: config,
        DOCKER_CLI_HINTS: 'false',
        ...options.env,
      },
    })
  }

  /** As `docker`, for commands that must succeed: returns standard output without the last line break. */
  async ok(...args: readonly (string | CliOptions)[]): Promise<string> {
    const result = await this.docker(...args)
    if (result.exitCode !== 0) {
      const command = args.filter((arg) => typeof arg === 'string').join(' ')
      throw new Error(
        `docker ${command}: exit code ${result.exitCode}\n${result.stdout}${result.stderr}\n${this.name}: ${this.logTail()}`,
      )
    }
    return result.stdout.replace(/\n$/, '')
  }

  /** Sends one request to the API; any status is an answer. A body that is no string or Buffer is sent as JSON. */
  api(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
    const bytes = raw ? (body ?? '') : JSON.stringify(body)
    const type = raw ? 'application/x-tar' : 'application/json'
    const headers =
      body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(bytes) }
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath: this.socketPath, method, path, headers, agent: false }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: parsed(text, answer.headers),
          })
        })
      })
      sent.on('error', reject)
      sent.setTimeout(120_000, () => sent.destroy(new Error(`${method} ${path}: no answer within 120 s`)))
      sent.end(bytes)
    })
  }

  /** As `api`, for requests that must succeed: returns the body. */
  async call(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await this.api(method, path, body)
    if (answer.status >= 400) {
      throw new Error(
        `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}\n${this.name}: ${this.logTail()}`,
      )
    }
    return answer.body
  }
}

function parsed(text: string, headers: IncomingHttpHeaders): unknown {
  if (!(headers['content-type'] ?? '').includes('json') || text === '') return text
  try {
    return JSON.parse(text)
  } catch {
    // Progress is a series of JSON objects: text to whoever wants it.
    return text
  }
}

/**
 * Runs a command to its end with no standard input but what is given. After `timeoutMs` (120 s) it is killed with all that it started,
 * which shows as exit code 124. Never waits for what holds its output open after its end.
 */
export function run(argv: readonly string[], options: Omit<CliOptions, 'cli'> = {}): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0]!, argv.slice(1), {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      detached: true,
    })
    let late = false
    const timer = setTimeout(() => {
      late = true
      killGroup(child.pid)
    }, options.timeoutMs ?? 120_000)
    const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
    child.stdout!.on('data', (chunk: Buffer) => output.stdout.push(chunk))
    child.stderr!.on('data', (chunk: Buffer) => output.stderr.push(chunk))
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearTimeout(timer)
      const finish = (): void => {
        clearTimeout(patience)
        child.stdout!.destroy()
        child.stderr!.destroy()
        const note = late
          ? `\n[killed after its time] ${argv.join(' ')}`
          : signal === null
            ? ''
            : `\n[${signal}]`
        resolve({
          exitCode: late ? 124 : (code ?? 255),
          stdout: Buffer.concat(output.stdout).toString(),
          stderr: Buffer.concat(output.stderr).toString() + note,
        })
      }
      const patience = setTimeout(finish, 5_000)
      child.once('close', finish)
    })
    // A client that ends before it has read its input is no error of the test.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input)
  })
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
