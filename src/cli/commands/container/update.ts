import type { PortMap, PublishRequest, Resources } from '#spec/docker/host-config.ts'
import { atLeast, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { int, list, string } from '../../core/flag.ts'
import { bytes, cpus } from '../../flags/bytes.ts'
import { parsePorts } from '../../flags/ports.ts'
import { parseRestart } from '../../flags/container-request.ts'
import { errorText } from '../../program.ts'

export default command({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  args: atLeast(1),
  flags: {
    'blkio-weight': int('Share of block I/O, 10 to 1000, 0 for none', {
      kind: 'uint16',
      unsigned: true,
      defaultText: '0',
    }),
    'cpu-period': int('CFS period in microseconds'),
    'cpu-quota': int('CFS quota in microseconds'),
    'cpu-rt-period': int('Real-time period in microseconds'),
    'cpu-rt-runtime': int('Real-time runtime in microseconds'),
    'cpu-shares': int('Share of CPU (relative)', { short: 'c' }),
    cpus: cpus('How many CPUs'),
    'cpuset-cpus': string('CPUs that may be used (0-3, 0,1)'),
    'cpuset-mems': string('Memory nodes that may be used (0-3, 0,1)'),
    'kernel-memory': bytes('Kernel memory limit', { hidden: true }),
    memory: bytes('Memory limit', { short: 'm' }),
    'memory-reservation': bytes('Soft memory limit'),
    'memory-swap': bytes('Limit of memory and swap together: -1 for unlimited swap', { minusOne: true }),
    'pids-limit': int('How many processes (-1 for unlimited)'),
    'publish-add': list('Publish a port besides, as run -p takes it (Wharf only)'),
    'publish-rm': list('Publish a port no more: 8080:80, or 80 for all that lead to it (Wharf only)'),
    restart: string('When to restart it'),
  },
  async run(context, { args, flags, given }) {
    const wanted = {
      BlkioWeight: flags['blkio-weight'],
      CpuPeriod: flags['cpu-period'],
      CpuQuota: flags['cpu-quota'],
      CpuRealtimePeriod: flags['cpu-rt-period'],
      CpuRealtimeRuntime: flags['cpu-rt-runtime'],
      CpuShares: flags['cpu-shares'],
      NanoCpus: flags.cpus,
      CpusetCpus: given('cpuset-cpus') ? flags['cpuset-cpus'] : null,
      CpusetMems: given('cpuset-mems') ? flags['cpuset-mems'] : null,
      Memory: flags.memory,
      MemoryReservation: flags['memory-reservation'],
      MemorySwap: flags['memory-swap'],
      PidsLimit: flags['pids-limit'],
      PublishAdd: ports(flags['publish-add']),
      PublishRemove: ports(flags['publish-rm']),
      RestartPolicy: given('restart') ? parseRestart(flags.restart) : null,
    }
    const request = Object.fromEntries(
      Object.entries(wanted).filter(([, value]) => value !== null),
    ) as Resources & PublishRequest
    if (Object.keys(request).length === 0)
      throw new ExitError(1, 'you must provide one or more flags when using this command')
    const { containers } = await context.client()
    const failures: string[] = []
    for (const name of args) {
      try {
        const { Warnings } = await containers.update(name, request)
        context.out.line(name)
        for (const warning of Warnings ?? []) context.err.line(warning)
      } catch (error) {
        failures.push(errorText(error))
      }
    }
    if (failures.length > 0) throw new ExitError(1, failures.join('\n'))
  },
})

function ports(publish: readonly string[]): PortMap | null {
  return publish.length === 0 ? null : parsePorts({ publish, expose: [] }).bindings
}
