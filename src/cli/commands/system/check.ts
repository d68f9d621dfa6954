import { existsSync, readFileSync } from 'node:fs'
import type { Client } from '#client/client.ts'
import { command, noArgs } from '../../core/command.ts'
import { bool } from '../../core/flag.ts'
import { clientVersion } from '../../client-version.ts'
import { errorText } from '../../program.ts'
import { bytesSize } from '../../format/units.ts'

export default command({
  usage: '[OPTIONS]',
  long: 'Looks whether the daemon answers, whether this machine has what containers need, and with --data whether what is stored is whole.',
  args: noArgs,
  flags: {
    data: bool('Read all that is stored and compare it with its digests'),
    repair: bool('Mend what can be mended; implies --data'),
  },
  async run(context, { flags }) {
    let failed = false
    const say = (state: 'ok' | 'warn' | 'FAIL', what: string) => {
      if (state === 'FAIL') failed = true
      context.out.line(`${state.padEnd(5)} ${what}`)
    }
    say('ok', `wharf ${clientVersion.version}, Node.js ${process.versions.node}`)
    try {
      const started = performance.now()
      const client = await context.client()
      const info = await client.system.info()
      say('ok', `daemon ${info.ServerVersion ?? ''} answers in ${Math.round(performance.now() - started)} ms`)
      say(
        'ok',
        `storage driver ${info.Driver ?? ''}, cgroup v${info.CgroupVersion ?? '?'}, runtime ${info.DefaultRuntime ?? ''}, ${info.NCPU} CPUs, ${bytesSize(info.MemTotal ?? 0)}`,
      )
      say(info.IPv4Forwarding === false ? 'FAIL' : 'ok', 'the daemon’s machine forwards IPv4')
      for (const warning of (info as { Warnings?: readonly string[] | null }).Warnings ?? [])
        say('warn', warning.replace(/^WARNING: /, ''))
      if (flags.data || flags.repair) await checkData(client, flags.repair, say)
    } catch (error) {
      say('FAIL', errorText(error))
    }
    if (process.platform === 'linux') checkMachine(say)
    return failed ? 1 : 0
  },
})

async function checkData(
  client: Client,
  repair: boolean,
  say: (state: 'ok' | 'warn' | 'FAIL', what: string) => void,
) {
  const problems = await client.system.check({ repair })
  for (const { kind, subject, detail, repaired } of problems) {
    say(repaired ? 'warn' : 'FAIL', `${kind} ${subject}: ${detail}${repaired ? ' (repaired)' : ''}`)
  }
  if (problems.length === 0) say('ok', 'all that is stored is whole')
}

function checkMachine(say: (state: 'ok' | 'warn' | 'FAIL', what: string) => void): void {
  const filesystems = read('/proc/filesystems')
  say(/\boverlay$/m.test(filesystems) ? 'ok' : 'warn', 'kernel has overlayfs')
  say(/\berofs$/m.test(filesystems) ? 'ok' : 'warn', 'kernel has EROFS (else layers are plain folders)')
  say(existsSync('/sys/fs/cgroup') ? 'ok' : 'FAIL', 'control groups are mounted')
  for (const name of ['user', 'net', 'pid', 'mnt', 'ipc', 'uts', 'cgroup']) {
    if (!existsSync(`/proc/self/ns/${name}`)) say('FAIL', `kernel has no ${name} namespace`)
  }
  say(read('/proc/sys/net/ipv4/ip_forward') === '1' ? 'ok' : 'warn', 'this machine forwards IPv4')
  const free = Number(/^MemAvailable:\s+(\d+)/m.exec(read('/proc/meminfo'))?.[1] ?? 0) * 1024
  say(free > 256 * 1024 * 1024 ? 'ok' : 'warn', `${bytesSize(free)} of memory are free`)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    // What cannot be read is reported as missing by the caller.
    return ''
  }
}
