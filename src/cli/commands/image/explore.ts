import { command, exactly } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { isTerminal } from '../../core/output.ts'
import { explore } from '../../explore/exploration.ts'
import { printList } from '../../format/list-format.ts'

export default command({
  usage: '[OPTIONS] IMAGE',
  long: 'What each layer adds, changes and removes, and which bytes of the image nobody can see. On a terminal, a screen to look around in.',
  args: exactly(1),
  flags: {
    format: string("How to print the layers: 'table', 'table TEMPLATE', 'json' or a Go template"),
    json: bool('Print all of it, with the changes of each layer, as JSON'),
    'no-trunc': bool('Print everything in full'),
    plain: bool('Print a summary, also on a terminal'),
    platform: string('Platform to look at (os[/arch[/variant]])'),
  },
  async run(context, { args: [name = ''], flags, given }) {
    if (flags.json && given('format')) throw new ExitError(1, '--json and --format cannot be used together')
    const client = await context.client()
    const isScreen = !flags.plain && !flags.json && !given('format') && context.out.isTty && isTerminal(0)
    const explored = await explore(client, name, { platform: flags.platform || undefined })
    if (isScreen) {
      const { Explorer } = await import('../../explore/explorer.ts')
      const { runExplorer } = await import('../../explore/terminal.ts')
      await runExplorer(new Explorer(explored), { out: context.out, colours: !context.config.noColor })
      return
    }
    const { LAYER_HEADERS, LAYER_TABLE, explorationJson, headline, layerRow, wastedText } =
      await import('../../explore/summary.ts')
    if (flags.json) {
      context.out.line(JSON.stringify(explorationJson(explored), null, 4))
      return
    }
    if (!given('format')) context.out.write(`${headline(explored)}\n\n`)
    printList(context.out, {
      format: flags.format,
      table: LAYER_TABLE,
      headers: LAYER_HEADERS,
      rows: explored.layers.map((layer) => layerRow(layer, { truncate: !flags['no-trunc'] })),
    })
    if (!given('format')) context.out.write(wastedText(explored))
  },
})
