import { atMost, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, filter, string } from '../../core/flag.ts'
import { printList } from '../../format/list-format.ts'
import { imageHeaders, imageNames, imageRow } from '../../rows/image-row.ts'

export default command({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  args: atMost(1),
  flags: {
    all: bool('Show intermediate images too', { short: 'a' }),
    digests: bool('Show digests'),
    filter: filter(undefined, { short: 'f' }),
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    'no-trunc': bool('Print everything in full'),
    quiet: bool('Print ids only', { short: 'q' }),
    tree: bool('Show each image with its platforms and the containers that use it'),
  },
  async run(context, { args: [repository], flags, given }) {
    const client = await context.client()
    const filters =
      repository === undefined ? flags.filter : new Map([...flags.filter, ['reference', [repository]]])
    if (flags.tree) {
      if (flags.quiet || flags['no-trunc'] || flags.digests || given('format')) {
        const other = flags.quiet
          ? '--quiet'
          : flags['no-trunc']
            ? '--no-trunc'
            : flags.digests
              ? '--show-digest'
              : '--format'
        throw new ExitError(1, `${other} is not yet supported with --tree`)
      }
      const { renderImageTree } = await import('../../rows/image-tree.ts')
      const images = await client.images.list({ all: flags.all, filters, manifests: true })
      context.out.write(renderImageTree(images, { bold: context.out.isTty && !context.config.noColor }))
      return
    }
    const images = await client.images.list({ all: flags.all, filters })
    const format = given('format')
      ? flags.format
      : flags.quiet
        ? ''
        : (context.config.file.imagesFormat ?? '')
    const digests = flags.digests || /\{\{[^}]*\.Digest\b/.test(format)
    const truncate = !flags['no-trunc']
    const rows = images.flatMap((image) =>
      imageNames(image, { digests }).map((name) => imageRow(image, { name, truncate })),
    )
    const middle = flags.digests ? '{{.Digest}}\t' : ''
    printList(context.out, {
      format,
      table: `{{.Repository}}\t{{.Tag}}\t${middle}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
      headers: imageHeaders,
      quiet: flags.quiet ? 'ID' : null,
      rows,
    })
  },
})
