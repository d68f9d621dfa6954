import { shortId } from '#base/ids.ts'
import type { PastBuild } from '#spec/build-history.ts'
import { between, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { bool, string } from '../../core/flag.ts'
import { printList } from '../../format/list-format.ts'
import { ago } from '../../format/units.ts'
import { Row } from '../../template/row.ts'

export default command({
  usage: '[OPTIONS] [ls]\nlogs BUILD',
  long: 'The daemon keeps the last 50 builds, newest first here, and of each the last 256 KiB that its commands wrote.',
  args: between(0, 2),
  flags: {
    format: string("How to print: 'table', 'table TEMPLATE', 'json' or a Go template"),
    'no-trunc': bool('Print everything in full'),
    quiet: bool('Print ids only', { short: 'q' }),
  },
  async run(context, { args: [action = 'ls', id = ''], flags }) {
    const { builds } = await context.client()
    if (action === 'logs' && id !== '') {
      context.out.write((await builds.pastBuild(id)).Log)
      return
    }
    if (action !== 'ls' || id !== '')
      throw new ExitError(1, `wharf builder history: 'ls' or 'logs BUILD', not '${`${action} ${id}`.trim()}'`)
    printList(context.out, {
      format: flags.format,
      table: '{{.ID}}\t{{.Name}}\t{{.CreatedSince}}\t{{.Duration}}\t{{.Steps}}\t{{.Status}}',
      headers: {
        ID: 'BUILD ID',
        Name: 'NAME',
        CreatedSince: 'CREATED',
        CreatedAt: 'CREATED AT',
        Duration: 'DURATION',
        Steps: 'CACHED',
        Status: 'STATUS',
        Error: 'ERROR',
        ImageID: 'IMAGE ID',
        Dockerfile: 'DOCKERFILE',
        Target: 'TARGET',
        Tags: 'TAGS',
        Platforms: 'PLATFORMS',
      },
      quiet: flags.quiet ? 'ID' : null,
      rows: (await builds.history()).map((build) => rowOf(build, flags['no-trunc'])),
    })
  },
})

function rowOf(build: PastBuild, isFull: boolean): Row {
  return new Row('builder.historyContext', {
    ID: isFull ? build.ID : shortId(build.ID),
    Name: build.Tags[0] ?? build.Dockerfile,
    CreatedSince: () => ago(Date.parse(build.StartedAt)),
    CreatedAt: build.StartedAt,
    Duration: `${(build.DurationMs / 1000).toFixed(1)}s`,
    Steps: `${String(build.CachedCount)}/${String(build.StepCount)}`,
    Status: build.Result,
    Error: build.Error,
    ImageID: build.ImageID,
    Dockerfile: build.Dockerfile,
    Target: build.Target,
    Tags: build.Tags.join(','),
    Platforms: build.Platforms.join(','),
  })
}
