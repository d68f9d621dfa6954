import { command, noArgs } from '../core/command.ts'
import { bool, string } from '../core/flag.ts'
import { printList } from '../format/list-format.ts'
import { Row } from '../template/row.ts'

export default command({
  usage: '[OPTIONS]',
  long: 'One line for each port of this machine that leads into a container, by number.',
  args: noArgs,
  flags: {
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    quiet: bool('Print the ports only', { short: 'q' }),
  },
  async run(context, { flags }) {
    const { containers } = await context.client()
    const found = (await containers.list()).flatMap(({ Names, Image, Ports }) =>
      (Ports ?? [])
        .filter(({ PublicPort }) => (PublicPort ?? 0) > 0)
        .map((port) => ({ port, container: (Names?.[0] ?? '').replace(/^\//, ''), image: Image ?? '' })),
    )
    printList(context.out, {
      format: flags.format,
      table: '{{.Host}}\t{{.Port}}\t{{.Container}}\t{{.ContainerPort}}\t{{.Image}}',
      headers: {
        Host: 'ADDRESS',
        Port: 'PORT',
        Container: 'CONTAINER',
        ContainerPort: 'CONTAINER PORT',
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
          ({ port, container, image }) =>
            new Row('ports.portContext', {
              Host: port.IP ?? '',
              Port: String(port.PublicPort),
              Container: container,
              ContainerPort: `${port.PrivatePort}/${port.Type}`,
              Image: image,
            }),
        ),
    })
  },
})
