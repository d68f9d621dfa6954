import type { PortSummary } from '#spec/docker/container.ts'
import { command, noArgs } from '../core/command.ts'
import { bool, string } from '../core/flag.ts'
import { printList } from '../format/list-format.ts'
import { Row } from '../template/row.ts'

export default command({
  usage: '[OPTIONS]',
  long:
    'One line for each port of this machine that leads into a container, by number, and who can reach it. With --all also the ports ' +
    'that containers expose and do not publish: others in their networks reach those.',
  args: noArgs,
  flags: {
    all: bool('Also exposed ports that are not published', { short: 'a' }),
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    quiet: bool('Print the ports only', { short: 'q' }),
  },
  async run(context, { flags }) {
    const { containers } = await context.client()
    const found = (await containers.list()).flatMap(({ Names, Image, Ports, NetworkSettings }) =>
      (Ports ?? [])
        .filter(({ PublicPort }) => flags.all || (PublicPort ?? 0) > 0)
        .map((port) => ({
          port,
          networks: Object.keys(NetworkSettings?.Networks ?? {}),
          container: (Names?.[0] ?? '').replace(/^\//, ''),
          image: Image ?? '',
        })),
    )
    printList(context.out, {
      format: flags.format,
      table: '{{.Host}}\t{{.Port}}\t{{.Container}}\t{{.ContainerPort}}\t{{.Reach}}\t{{.Image}}',
      headers: {
        Host: 'ADDRESS',
        Port: 'PORT',
        Container: 'CONTAINER',
        ContainerPort: 'CONTAINER PORT',
        Reach: 'REACHED BY',
        Image: 'IMAGE',
      },
      quiet: flags.quiet ? 'Port' : null,
      rows: found
        .toSorted(
          (a, b) =>
            (a.port.PublicPort ?? 0) - (b.port.PublicPort ?? 0) ||
            ((a.port.IP ?? '') < (b.port.IP ?? '') ? -1 : 1),
        )
        .map(
          ({ port, container, image, networks }) =>
            new Row('ports.portContext', {
              Host: port.IP ?? '',
              Port: (port.PublicPort ?? 0) > 0 ? String(port.PublicPort) : '-',
              Container: container,
              ContainerPort: `${port.PrivatePort}/${port.Type}`,
              Reach: reach(port, networks),
              Image: image,
            }),
        ),
    })
  },
})

/** Who gets to a port, as far as the daemon has a say; the host's own firewall may let fewer. */
function reach(port: PortSummary, networks: readonly string[]): string {
  const ip = port.IP ?? ''
  if ((port.PublicPort ?? 0) === 0)
    return networks.length === 0 ? 'nobody' : `containers in ${networks.join(', ')}`
  if (/^127\.|^::1$/.test(ip)) return 'this machine'
  if (ip === '' || ip === '0.0.0.0') return 'everybody, by IPv4'
  if (ip === '::') return 'everybody, by IPv6'
  return `whoever reaches ${ip}`
}
