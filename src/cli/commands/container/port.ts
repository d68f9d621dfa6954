import { between, command } from '../../core/command.ts'
import { naturally } from '../../format/natural.ts'
import { ExitError } from '../../core/exit.ts'

const withPort = (ip: string, port: string): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`

export default command({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  args: between(1, 2),
  flags: {},
  async run(context, { args: [name = '', wanted] }) {
    const { containers } = await context.client()
    const ports = (await containers.inspect(name)).NetworkSettings?.Ports ?? {}
    if (wanted === undefined) {
      const lines = Object.entries(ports).flatMap(([port, bindings]) =>
        (bindings ?? []).map(
          ({ HostIp, HostPort }) => `${port} -> ${withPort(HostIp ?? '', HostPort ?? '')}`,
        ),
      )
      for (const line of lines.toSorted(naturally)) context.out.line(line)
      return
    }
    const [number = '', protocol = 'tcp'] = wanted.split('/')
    const range = /^\d+$/.test(number) ? Number(number) : Number.NaN
    if (Number.isNaN(range) || range > 65_535)
      throw new ExitError(
        1,
        `invalid port: invalid port range '${number}': invalid start port '${number}': invalid syntax`,
      )
    const bindings = ports[`${number}/${protocol}`]
    if (bindings === undefined || bindings === null)
      throw new ExitError(1, `Error: No public port '${wanted}' published for ${name}`)
    for (const { HostIp, HostPort } of bindings) context.out.line(withPort(HostIp ?? '', HostPort ?? ''))
  },
})
