/**
 * Runs one test file that touches the kernel, inside the mount and network namespace that `unshare` has made for it, so that it
 * neither meets nor leaves anything of others; then looks for what it left behind (leaks), says so, and clears it away.
 */
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { kernelState, leaks, processes, type KernelState } from './kernel-state.ts'
import { kill, killTree, unmountBelow } from './sweep.ts'

const graceMs = 10_000
const file = process.argv[2]!
// Short, for unix sockets below it may have no more than 107 bytes in their paths.
const tag = `wt${randomBytes(3).toString('hex')}`
const root = `/tmp/${tag}`
const PLUGINS = '/run/docker/plugins'

async function main(): Promise<number> {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  mkdirSync(root, { mode: 0o755 })
  hidePlugins()
  const before = kernelState(tag)
  const exitCode = await runFile()
  const left = await settled(before)
  for (const line of left) console.log(`leaked: ${line}`)
  if (left.length > 0 || exitCode !== 0) printDaemonLogs()
  await clear()
  return left.length > 0 ? 1 : exitCode
}

/** Plugins are found in a directory of the machine: each file has one of its own, or daemons would meet the plugins of other tests. */
function hidePlugins(): void {
  mkdirSync(PLUGINS, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', PLUGINS])
}

function runFile(): Promise<number> {
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    file,
  ]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, WHARF_TEST_ROOT: root, WHARF_TEST_TAG: tag, TMPDIR: root },
  })
  // A run that takes too long is ended from outside, group and all; this process stays to clear up.
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}

/** Waits until nothing is left, or the grace is over; what vanishes late (a conmon, a lazy unmount) is no leak. */
async function settled(before: KernelState): Promise<readonly string[]> {
  const deadline = Date.now() + graceMs
  for (;;) {
    const left = leaks(before, kernelState(tag))
    if (left.length === 0 || Date.now() > deadline) return left
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The end of each daemon's log: most often it says why the test failed. */
function printDaemonLogs(): void {
  for (const name of readdirSync(root)) {
    const log = `${root}/${name}/daemon.log`
    if (!existsSync(log)) continue
    console.log(`---- ${log}\n${readFileSync(log, 'utf8').trimEnd().split('\n').slice(-60).join('\n')}`)
  }
}

async function clear(): Promise<void> {
  await killTree(root, tag)
  for (const line of processes()) kill(Number(/^process (\d+)/.exec(line)![1]))
  unmountBelow(root)
  rmSync(root, { recursive: true, force: true })
}

process.exitCode = await main()
