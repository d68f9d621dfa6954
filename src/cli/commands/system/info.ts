import type { SystemInfo } from '#spec/docker/system.ts'
import { clientVersion } from '../../client-version.ts'
import { command, noArgs } from '../../core/command.ts'
import { ExitError } from '../../core/exit.ts'
import { string } from '../../core/flag.ts'
import { currentContext } from '../../contexts/resolve.ts'
import { parseJson, writeJson } from '../../format/json.ts'
import { unescapeFormat } from '../../format/list-format.ts'
import { errorText } from '../../program.ts'
import { infoText } from '../../rows/info-text.ts'
import { compileTemplate, evaluateTemplate } from '../../template/evaluate.ts'
import { TemplateError } from '../../template/lexer.ts'

export default command({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { format: string("How to print: 'json' or a Go template", { short: 'f' }) },
  async run(context, { flags }) {
    const ClientInfo = {
      Debug: false,
      Version: clientVersion.version,
      GitCommit: clientVersion.commit,
      Context: currentContext({ globals: context.globals, config: context.config }),
      Plugins: [],
      Warnings: null,
    }
    let text: string | null = null
    let failure: unknown = null
    try {
      text = await (await context.client()).system.infoText()
    } catch (error) {
      failure = error
    }
    if (flags.format === '') {
      context.out.write(
        `Client:\n Version:    ${ClientInfo.Version}\n Context:    ${ClientInfo.Context}\n Debug Mode: false\n\nServer:\n`,
      )
      if (text === null) throw new ExitError(1, `ERROR: ${errorText(failure)}\nerrors pretty printing info`)
      const info = JSON.parse(text) as SystemInfo & { readonly Warnings?: readonly string[] | null }
      context.out.write(infoText(info))
      for (const warning of info.Warnings ?? []) context.err.line(warning)
      return
    }
    const info = text === null ? { ServerErrors: [errorText(failure)] } : (parseJson(text) as object)
    const facts = { ...info, ClientInfo }
    context.out.line(flags.format === 'json' ? writeJson(facts) : render(flags.format, facts))
    if (failure !== null) throw new ExitError(1, errorText(failure))
  },
})

function render(format: string, facts: object): string {
  let template
  try {
    template = compileTemplate(unescapeFormat(format))
  } catch (error) {
    throw error instanceof TemplateError
      ? new ExitError(64, `template parsing error: ${error.message}`)
      : error
  }
  return evaluateTemplate(template, facts, { strictKeys: true })
}
