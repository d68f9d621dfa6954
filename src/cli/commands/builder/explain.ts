import { shortId } from '#base/ids.ts'
import type { PastBuildDetails, PastStep } from '#spec/build-history.ts'
import { atMost, command } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { string } from '../../core/flag.ts'
import { writeJson } from '../../format/json.ts'
import { ago } from '../../format/units.ts'

export default command({
  usage: '[OPTIONS] [BUILD]',
  long: 'Without BUILD it is the last one. `wharf build explain` is the same, where there is no directory of that name.',
  args: atMost(1),
  flags: { format: string("How to print: 'json', or nothing for text") },
  async run(context, { args: [id = ''], flags }) {
    if (flags.format !== '' && flags.format !== 'json')
      throw new ExitError(1, `invalid format: ${flags.format}: only json`)
    const { builds } = await context.client()
    const wanted = id === '' ? (await builds.history())[0]?.ID : id
    if (wanted === undefined) throw new ExitError(1, 'there is no past build')
    const build = await builds.pastBuild(wanted)
    context.out.write(flags.format === 'json' ? `${writeJson(build)}\n` : textOf(build))
  },
})

function textOf(build: PastBuildDetails): string {
  const name = build.Tags[0] ?? build.Dockerfile
  const head = `Build ${shortId(build.ID)} (${name}), ${ago(Date.parse(build.StartedAt))}: ${build.Result}, ${seconds(build.DurationMs)}\n`
  const error = build.Error === '' ? '' : `${build.Error}\n`
  return head + error + build.Steps.map(stepText).join('')
}

function stepText(step: PastStep): string {
  const platform = step.Platform === '' ? '' : `${step.Platform} `
  const how = step.Cached ? 'CACHED' : step.Error === '' ? seconds(step.DurationMs) : 'ERROR'
  const text = step.Name.replaceAll('\n', ' ')
  return `${how.padEnd(7)} ${platform}${text}\n        ${step.Explanation.replaceAll('\n', ' ')}\n`
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)}s`
}
