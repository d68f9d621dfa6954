import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmdirSync } from 'node:fs'
import { cgroups, pids } from './kernel-state.ts'

/**
 * Kills every process that has `root` in its command line (a daemon, a conmon, a runtime) or is in a cgroup that bears the tag
 * (the containers), and removes those cgroups; returns when all is gone, or 10 s later.
 */
export async function killTree(root: string, tag: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const found = pids().filter(
      (pid) =>
        pid !== process.pid &&
        (read(pid, 'cmdline').includes(`${root}/`) || read(pid, 'cgroup').includes(tag)),
    )
    for (const pid of found) kill(pid)
    for (const line of [...cgroups(tag)].reverse()) removeCgroup(line.replace('cgroup ', ''))
    for (const path of cgroupParents(tag)) removeCgroup(path)
    if ((found.length === 0 && cgroups(tag).length === 0) || Date.now() > deadline) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Unmounts all below a path, so that it can be removed without reaching through a mount into the machine. */
export function unmountBelow(path: string): void {
  for (const point of mountPoints().filter((name) => name.startsWith(`${path}/`))) {
    execFileSync('umount', ['--lazy', point], { stdio: 'ignore' })
  }
}

/** Mount points of this namespace, the last made first. */
function mountPoints(): readonly string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n')
  return lines.map((line) => line.split(' ')[4]!.replace(/\\040/g, ' ')).reverse()
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    // It ended while it was looked at.
    return ''
  }
}

/** Sends SIGKILL to a process that may have ended already. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function cgroupParents(tag: string): readonly string[] {
  const controllers = ['', ...readdirSync('/sys/fs/cgroup').map((name) => `/${name}`)]
  return controllers.map((name) => `/sys/fs/cgroup${name}/${tag}`).filter((path) => existsSync(path))
}

function removeCgroup(path: string): void {
  try {
    rmdirSync(path)
  } catch {
    // Its processes are still ending: the next round removes it.
  }
}
