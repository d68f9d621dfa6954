import type { EventRecord } from '#client/system.ts'
import { command, noArgs } from '../../core/command.ts'
import { apiTime } from '../../core/api-time.ts'
import { ExitError } from '../../core/exit.ts'
import { filter, string } from '../../core/flag.ts'
import { rfc3339Numeric } from '../../format/units.ts'
import { unescapeFormat } from '../../format/list-format.ts'
import { writeJson } from '../../format/json.ts'
import { compileTemplate, evaluateTemplate } from '../../template/evaluate.ts'
import { TemplateError } from '../../template/lexer.ts'
import { eventJson } from '../../rows/event-json.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: {
    filter: filter(undefined, { short: 'f' }),
    format: string("How to print: 'json' or a Go template"),
    since: string('Show what has happened since a time too'),
    until: string('End at a time'),
  },
  async run(context, { flags }) {
    const print = printer(flags.format)
    const since = time(flags.since)
    const until = time(flags.until)
    const { system } = await context.client()
    for await (const event of system.events({ since, until, filters: flags.filter }))
      context.out.line(print(event))
  },
})

function time(text: string): string | undefined {
  try {
    return apiTime(text, { what: '' })
  } catch {
    throw new ExitError(1, `failed to parse value as time or duration: ${JSON.stringify(text)}`)
  }
}

function printer(format: string): (event: EventRecord) => string {
  if (format === '') return eventText
  if (format === 'json') return (event) => writeJson(eventJson(event), { escapeHtml: true })
  try {
    const template = compileTemplate(unescapeFormat(format))
    return (event) => evaluateTemplate(template, eventJson(event))
  } catch (error) {
    throw error instanceof TemplateError ? new ExitError(64, `Error parsing format: ${error.message}`) : error
  }
}

/** `2026-01-02T15:04:05.000000000+00:00 container start <id> (image=x, name=y)`. */
function eventText(event: EventRecord): string {
  const nano =
    event.timeNano === undefined
      ? ''
      : `.${(BigInt(event.timeNano) % 1_000_000_000n).toString().padStart(9, '0')}`
  const when = rfc3339Numeric(event.time * 1000, nano).replace(/\+00:00$/, 'Z')
  const attributes = Object.entries(event.Actor.Attributes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const text = `${when} ${event.Type} ${event.Action} ${event.Actor.ID}`
  return attributes.length === 0
    ? text
    : `${text} (${attributes.map(([name, value]) => `${name}=${value}`).join(', ')})`
}
