import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { cgroups, pids } from '../support/kernel-state.ts'
import { scratchTag } from '../support/scratch.ts'
import { until } from '../support/until.ts'
import type { Wharfd } from '../support/wharfd.ts'

type Listed = { readonly Id: string; readonly State: string; readonly Names: readonly string[] }

/**
 * What must hold when a daemon has come back from a crash: all that is listed can be looked into; what says that it runs, runs;
 * everything can be removed, and then nothing is left in the kernel or on disk.
 */
export async function assertWhole(daemon: Wharfd): Promise<void> {
  await recovered(daemon)
  for (const { Id, State } of (await daemon.call('GET', '/containers/json?all=1')) as Listed[]) {
    const answer = await daemon.api('GET', `/containers/${Id}/json`)
    // One that was being removed goes on to be while the API serves already.
    if (answer.status === 404) continue
    const { State: state } = answer.body
    assert.ok(
      ['created', 'running', 'exited', 'paused', 'restarting'].includes(state.Status),
      `status ${state.Status} (listed ${State})`,
    )
    if (state.Running) assert.ok(existsSync(`/proc/${state.Pid}`), `${Id} says that it runs as ${state.Pid}`)
    if (state.Status === 'created' || state.Status === 'exited') await daemon.ok('start', Id)
  }
  for (const { Id } of (await daemon.call('GET', '/images/json')) as Listed[]) {
    await daemon.call('GET', `/images/${Id}/json`)
    await daemon.ok('run', '--rm', '--entrypoint', '', '--network', 'none', Id, 'true')
  }
  await removeAll(daemon)
  await assertNothingLeft(daemon)
}

async function recovered(daemon: Wharfd): Promise<void> {
  await until('recovery has ended', () => / msg=recovered /.test(daemon.log().split(' msg=serving ').at(-1)!))
}

async function removeAll(daemon: Wharfd): Promise<void> {
  for (const { Id } of (await daemon.call('GET', '/containers/json?all=1')) as Listed[]) {
    const { status, body } = await daemon.api('DELETE', `/containers/${Id}?force=1&v=1`)
    assert.ok(status === 204 || status === 404 || status === 409, JSON.stringify(body))
  }
  for (const { Name } of (await daemon.call('GET', '/volumes')).Volumes as { Name: string }[]) {
    await daemon.call('DELETE', `/volumes/${Name}`)
  }
  await daemon.call('POST', '/networks/prune')
  const { ImagesDeleted } = await daemon.call(
    'POST',
    `/images/prune?filters=${encodeURIComponent('{"dangling":["false"]}')}`,
  )
  assert.ok(ImagesDeleted === null || Array.isArray(ImagesDeleted))
}

async function assertNothingLeft(daemon: Wharfd): Promise<void> {
  await until('nothing is left', () => leftovers(daemon).length === 0, { timeoutMs: 20_000 }).catch(() => {
    assert.deepEqual(leftovers(daemon), [], daemon.logTail())
  })
}

/** Mounts below the daemon's roots, its monitors, its cgroups. The bridge and the firewall table stay for the next container. */
function leftovers(daemon: Wharfd): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${daemon.root}/`) && !isStoredLayer(daemon, point))
  const monitors = pids()
    .filter((pid) => pid !== daemon.pid)
    .map((pid) => commandLine(pid))
    .filter((command) => command.includes(`${daemon.root}/`) && !command.startsWith('docker'))
  return [...mounts, ...monitors, ...cgroups(scratchTag)]
}

/** A layer that is stored stays mounted when nobody uses it, for the next container; it goes with the layer. */
function isStoredLayer(daemon: Wharfd, mountPoint: string): boolean {
  const [, hex] = /\/run\/layers\/([0-9a-f]{64})$/.exec(mountPoint) ?? []
  return hex !== undefined && existsSync(`${daemon.root}/data/layers/${hex}`)
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    // It ended while it was looked at.
    return ''
  }
}
