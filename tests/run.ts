/**
 * Runs the tests, tier by tier: each file is a process of its own, and each file that touches the kernel has a mount and a network
 * namespace of its own (see support/kernel-file.ts). A kernel file that fails is run once more, alone, when all others are done:
 * passing then, it is reported as flaky, loudly, and does not fail the run.
 */
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { make } from './support/peers.ts'
import { runCommand, type CommandResult } from './support/run-command.ts'
import { countsOf, skippedLines, type Counts } from './support/test-counts.ts'

type Outcome = {
  readonly name: string
  readonly counts: Counts
  readonly ok: boolean
  readonly output: string
}
type Job = {
  readonly name: string
  readonly argv: readonly string[]
  readonly limitMs: number
  readonly retry: boolean
  readonly counted: boolean
}

const node = [process.execPath, '--disable-warning=ExperimentalWarning']
const fileArgs = ['--test-reporter=spec', '--test-reporter-destination=stdout']

const checks: readonly Job[] = [
  tool('check: prettier', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.']),
  tool('check: eslint', ['node_modules/eslint/bin/eslint.js', '.']),
  tool('check: tsc', ['node_modules/typescript/bin/tsc', '-p', '.']),
]

/** The tier that runs only when it is asked for: it takes minutes. */
const VM = '--vm'

/** In the order in which they run: what is quick and explains most comes first. */
const tiers: readonly { readonly name: string; readonly jobs: readonly Job[]; readonly parallel: number }[] =
  [
    { name: 'check', jobs: checks, parallel: 2 },
    { name: 'architecture', jobs: plain('tests/architecture/**/*.test.ts'), parallel: 2 },
    { name: 'unit', jobs: plain('src/**/*.test.ts'), parallel: 2 },
    { name: 'fuzz', jobs: plain('tests/fuzz/**/*.test.ts'), parallel: 2 },
    { name: 'integration', jobs: kernel('tests/integration/**/*.test.ts'), parallel: kernelParallel() },
    { name: 'crash', jobs: kernel('tests/crash/**/*.test.ts'), parallel: kernelParallel() },
    { name: 'conformance', jobs: kernel('tests/conformance/**/*.test.ts'), parallel: kernelParallel() },
    { name: VM, jobs: machine('tests/vm/**/*.test.ts'), parallel: 1 },
  ]

function tool(name: string, args: readonly string[]): Job {
  return { name, argv: [...node, ...args], limitMs: 300_000, retry: false, counted: false }
}

function plain(glob: string): readonly Job[] {
  return files(glob).map((file) => ({
    name: file,
    argv: [...node, ...fileArgs, file],
    limitMs: 180_000,
    retry: false,
    counted: true,
  }))
}

function kernel(glob: string): readonly Job[] {
  return files(glob).map((file) => ({
    name: file,
    argv: ['unshare', '--mount', '--net', ...node, 'tests/support/kernel-file.ts', file],
    limitMs: 480_000,
    retry: true,
    counted: true,
  }))
}

function machine(glob: string): readonly Job[] {
  return plain(glob).map((job) => ({ ...job, limitMs: 1_800_000 }))
}

function files(glob: string): readonly string[] {
  return globSync(glob).sort()
}

function kernelParallel(): number {
  return Math.min(2, availableParallelism())
}

function chosen(job: Job, tier: string, wanted: readonly string[]): boolean {
  if ((tier === VM) !== wanted.includes(VM)) return false
  return (
    wanted.length === 0 ||
    wanted.some((name) => name === tier || job.name.includes(name.replace(/^\.\//, '')))
  )
}

async function runJob(job: Job): Promise<Outcome> {
  const result = await runCommand(job.argv, { limitMs: job.limitMs })
  const outcome = judge(job, result)
  const seconds = (result.durationMs / 1000).toFixed(1)
  const { passed, failed, skipped } = outcome.counts
  const numbers = `${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`
  console.log(`${outcome.ok ? 'ok    ' : 'FAILED'} ${job.name}  (${numbers}, ${seconds} s)`)
  for (const line of skippedLines(result.output)) console.log(`       skipped: ${line}`)
  if (!outcome.ok) {
    console.log(
      `---- output of ${job.name} (${result.end}) ----\n${result.output.trimEnd()}\n---- end of ${job.name} ----`,
    )
  }
  return outcome
}

/** A file passes when its process ends with 0 and it counted no failure; a file without a single test is a mistake. */
function judge(job: Job, result: CommandResult): Outcome {
  if (!job.counted) {
    const counts = { passed: result.ok ? 1 : 0, failed: result.ok ? 0 : 1, skipped: 0 }
    return { name: job.name, counts, ok: result.ok, output: result.output }
  }
  const counted = countsOf(result.output)
  const empty = counted.passed + counted.failed + counted.skipped === 0
  const ok = result.ok && counted.failed === 0 && !empty
  const counts = ok || counted.failed > 0 ? counted : { ...counted, failed: 1 }
  return { name: job.name, counts, ok, output: result.output }
}

/** Runs the jobs, `parallel` at a time, in order of their start. */
async function runAll(jobs: readonly Job[], parallel: number): Promise<readonly Outcome[]> {
  const queue = [...jobs]
  const outcomes: Outcome[] = []
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) outcomes.push(await runJob(job))
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return outcomes
}

/** Starts making what conformance and crash tests compare with, so that none of them waits for it alone. */
function prepare(jobs: readonly Job[]): Promise<unknown> {
  const needed = jobs.some(({ name }) => /^tests\/(conformance|crash)\//.test(name))
  return needed ? Promise.all([make('sid'), make('nginx')]) : Promise.resolve()
}

async function main(wanted: readonly string[]): Promise<number> {
  const started = Date.now()
  const outcomes: Outcome[] = []
  const again: Job[] = []
  const prepared = prepare(tiers.flatMap(({ name, jobs }) => jobs.filter((job) => chosen(job, name, wanted))))
  for (const tier of tiers) {
    const jobs = tier.jobs.filter((job) => chosen(job, tier.name, wanted))
    if (jobs.length === 0) continue
    if (tier.name === 'crash' || tier.name === 'conformance') await prepared
    console.log(`==== ${tier.name}: ${jobs.length} ${tier.name === 'check' ? 'tools' : 'files'}`)
    for (const outcome of await runAll(jobs, tier.parallel)) {
      const job = jobs.find(({ name }) => name === outcome.name)
      if (!outcome.ok && job?.retry === true) again.push(job)
      else outcomes.push(outcome)
    }
  }
  const flaky: string[] = []
  if (again.length > 0) console.log(`==== once more, alone: ${again.length} files`)
  for (const job of again) {
    const outcome = await runJob(job)
    if (outcome.ok) flaky.push(job.name)
    outcomes.push(outcome)
  }
  return report(outcomes, flaky, Date.now() - started)
}

function report(outcomes: readonly Outcome[], flaky: readonly string[], durationMs: number): number {
  const sum = (key: keyof Counts): number => outcomes.reduce((total, { counts }) => total + counts[key], 0)
  console.log(`==== done in ${(durationMs / 1000).toFixed(0)} s`)
  for (const name of flaky) console.log(`flaky: ${name}`)
  for (const { name, ok } of outcomes) if (!ok) console.log(`failed: ${name}`)
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')]
  if (passed + failed + skipped === 0) {
    console.log('no test has a name like that')
    return 2
  }
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  return failed === 0 && outcomes.every(({ ok }) => ok) ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
