import { command, noArgs } from '../../core/command.ts'
import { bool, string } from '../../core/flag.ts'
import { currentContext, resolveEndpoint } from '../../contexts/resolve.ts'
import { listContexts } from '../../contexts/store.ts'
import { naturally } from '../../format/natural.ts'
import { printList } from '../../format/list-format.ts'
import { ellipsis } from '../../format/units.ts'
import { Row } from '../../template/row.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    quiet: bool('Print names only', { short: 'q' }),
  },
  run(context, { flags }) {
    const { config } = context
    const current = currentContext({ globals: context.globals, config })
    const fallback = {
      Name: 'default',
      Description: 'Current DOCKER_HOST based configuration',
      Host: resolveEndpoint({ globals: {}, config: { ...config, dockerContext: '', file: {} } }).host,
    }
    const stored = listContexts(config).map(({ Name, Metadata, Endpoints }) => ({
      Name,
      Description: Metadata.Description ?? '',
      Host: Endpoints['docker']?.Host ?? '',
    }))
    const all = [fallback, ...stored].toSorted((a, b) => naturally(a.Name, b.Name))
    const isTable = flags.format === '' || flags.format.startsWith('table')
    printList(context.out, {
      format: flags.format,
      table: '{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}',
      headers: {
        Name: 'NAME',
        Description: 'DESCRIPTION',
        DockerEndpoint: 'DOCKER ENDPOINT',
        Error: 'ERROR',
        Current: '',
      },
      quiet: flags.quiet ? 'Name' : null,
      rows: all.map(
        ({ Name, Description, Host }) =>
          new Row('formatter.clientContextContext', {
            Name,
            Current: Name === current,
            Description: isTable ? ellipsis(Description, 60) : Description,
            DockerEndpoint: Host,
            Error: '',
          }),
      ),
    })
    if (config.dockerHost !== '' && !flags.quiet) {
      context.err.line(
        'Warning: DOCKER_HOST environment variable overrides the active context. To use a context, either set the global --context flag, or unset DOCKER_HOST environment variable.',
      )
    }
    return Promise.resolve()
  },
})
