import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'

/** What a test may leave behind in the namespaces of this process, each thing as a line for a person. */
export type KernelState = ReadonlySet<string>

/**
 * Takes what there is now: mounts, links, nft tables, processes of this mount namespace, and cgroups that bear the tag.
 * What lies outside the namespaces and without the tag belongs to others.
 */
export function kernelState(tag: string): KernelState {
  return new Set([...mounts(), ...links(), ...tables(), ...processes(), ...cgroups(tag)])
}

/** What is in `after` and was not in `before`. What has gone is no leak. */
export function leaks(before: KernelState, after: KernelState): readonly string[] {
  return [...after].filter((line) => !before.has(line))
}

function mounts(): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [before, after] = line.split(' - ') as [string, string]
      return `mount ${before.split(' ')[4]} (${after.split(' ')[0]})`
    })
}

function links(): readonly string[] {
  const found = JSON.parse(execFileSync('ip', ['-j', 'link', 'show'], { encoding: 'utf8' })) as {
    ifname: string
  }[]
  return found.map(({ ifname }) => `link ${ifname}`)
}

/** Tables of nftables but for the daemon's own, which stays as the bridge does, for the next start. */
function tables(): readonly string[] {
  const lines = execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).trim().split('\n')
  return lines.filter((line) => line !== '' && !/ wharf/.test(line)).map((line) => `nft ${line}`)
}

/** Processes in this mount namespace, but for this one and its parents. */
export function processes(): readonly string[] {
  const here = readlinkSync('/proc/self/ns/mnt')
  const found: string[] = []
  for (const pid of pids()) {
    if (pid === process.pid || pid === process.ppid) continue
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) !== here) continue
      if (/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) continue
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      if (command !== '') found.push(`process ${pid}: ${command}`)
    } catch {
      // It ended while it was looked at.
    }
  }
  return found
}

/** The ids of all processes. */
export function pids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Directories below a cgroup whose name holds the tag, which a daemon of the tests has as the parent of its containers. */
export function cgroups(tag: string): readonly string[] {
  const found: string[] = []
  for (const controller of entries('/sys/fs/cgroup')) {
    const parent = join('/sys/fs/cgroup', controller)
    for (const name of entries(parent)) {
      if (name.includes(tag)) found.push(...below(join(parent, name)))
      else if (controller.includes(tag)) found.push(...below(parent))
    }
  }
  return [...new Set(found)].map((path) => `cgroup ${path}`)
}

function below(path: string): readonly string[] {
  return entries(path).flatMap((name) => [join(path, name), ...below(join(path, name))])
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}
