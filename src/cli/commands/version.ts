import type { SystemVersion } from '#spec/docker/system.ts'
import { CLIENT_API_VERSION, clientVersion } from '../client-version.ts'
import { currentContext } from '../contexts/resolve.ts'
import { command, noArgs } from '../core/command.ts'
import { ExitError } from '../core/exit.ts'
import { string } from '../core/flag.ts'
import { writeJson } from '../format/json.ts'
import { unescapeFormat } from '../format/list-format.ts'
import { errorText } from '../program.ts'
import { compileTemplate, evaluateTemplate } from '../template/evaluate.ts'
import { TemplateError } from '../template/lexer.ts'
import { alignColumns } from '../format/tabwriter.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { format: string("How to print: 'json' or a Go template", { short: 'f' }) },
  async run(context, { flags }) {
    const template = flags.format === '' || flags.format === 'json' ? null : compile(flags.format)
    const Client = clientPart(currentContext({ globals: context.globals, config: context.config }))
    let server: SystemVersion | null = null
    let failure: unknown = null
    try {
      server = await (await context.client()).system.version()
    } catch (error) {
      failure = error
    }
    const facts = { Client, Server: server }
    if (flags.format === 'json') context.out.line(writeJson(facts))
    else if (template !== null) context.out.line(evaluate(template, facts))
    else context.out.write(`${clientText(Client)}${server === null ? '' : serverText(server)}`)
    if (failure !== null) throw new ExitError(1, errorText(failure))
  },
})

function compile(format: string): ReturnType<typeof compileTemplate> {
  try {
    return compileTemplate(unescapeFormat(format))
  } catch (error) {
    throw error instanceof TemplateError
      ? new ExitError(64, `template parsing error: ${error.message}`)
      : error
  }
}

function evaluate(template: ReturnType<typeof compileTemplate>, facts: object): string {
  try {
    return evaluateTemplate(template, facts, { strictKeys: true })
  } catch (error) {
    throw error instanceof TemplateError ? new ExitError(1, error.message) : error
  }
}

function clientPart(context: string) {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  return {
    Version: clientVersion.version,
    ApiVersion: CLIENT_API_VERSION,
    DefaultAPIVersion: CLIENT_API_VERSION,
    GitCommit: clientVersion.commit,
    NodeVersion: process.versions.node,
    Os: process.platform,
    Arch: arch,
    BuildTime: clientVersion.built,
    Context: context,
  }
}

function clientText(client: ReturnType<typeof clientPart>): string {
  const lines = [
    ['Version', client.Version],
    ['API version', client.ApiVersion],
    ['Node version', client.NodeVersion],
    ['Git commit', client.GitCommit],
    ...(client.BuildTime === '' ? [] : [['Built', dateText(client.BuildTime)]]),
    ['OS/Arch', `${client.Os}/${client.Arch}`],
    ['Context', client.Context],
  ]
  return `Client:\n${columns(lines as [string, string][], ' ')}`
}

const known: Readonly<Record<string, string>> = {
  Version: 'Version',
  ApiVersion: 'API version',
  GoVersion: 'Go version',
  NodeVersion: 'Node version',
  GitCommit: 'Git commit',
  BuildTime: 'Built',
  Experimental: 'Experimental',
}

function serverText(server: SystemVersion): string {
  const name = server.Platform?.Name ?? ''
  const components =
    (server.Components ?? []).length > 0
      ? (server.Components ?? [])
      : [
          {
            Name: 'Engine',
            Version: server.Version ?? '',
            Details: server as Readonly<Record<string, unknown>>,
          },
        ]
  const parts = components.map((component) => {
    const details = (component.Details ?? {}) as Readonly<Record<string, string | undefined>>
    const lines: [string, string][] = [['Version', component.Version]]
    if (component.Name === 'Engine') {
      const minimum = details['MinAPIVersion'] ?? server.MinAPIVersion ?? ''
      lines.push([
        'API version',
        `${details['ApiVersion'] ?? server.ApiVersion ?? ''} (minimum version ${minimum})`,
      ])
      for (const key of ['GoVersion', 'NodeVersion', 'GitCommit']) {
        const value = details[key]
        if (value !== undefined) lines.push([known[key] ?? key, value])
      }
      lines.push(['Built', dateText(details['BuildTime'] ?? server.BuildTime ?? '')])
      lines.push(['OS/Arch', `${details['Os'] ?? server.Os}/${details['Arch'] ?? server.Arch}`])
      lines.push(['Experimental', details['Experimental'] ?? String(server.Experimental ?? false)])
    } else
      for (const [key, value] of Object.entries(details).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        lines.push([key, String(value)])
    return ` ${component.Name}:\n${columns(lines, '  ')}`
  })
  return `\nServer:${name === '' ? '' : ` ${name}`}\n${parts.join('')}`
}

function columns(lines: readonly (readonly [string, string])[], indent: string): string {
  return alignColumns(lines.map(([label, value]) => `${indent}${label}:\t${value}\n`).join(''), {
    minWidth: 20,
    padding: 1,
  })
}

/** `Thu May  7 21:09:36 2026`, as C's asctime has it. */
function dateText(text: string): string {
  const date = new Date(text)
  if (text === '' || Number.isNaN(date.getTime())) return text
  const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  const clock = date.toISOString().slice(11, 19)
  return `${days[date.getUTCDay()]} ${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)} ${clock} ${date.getUTCFullYear()}`
}
