import type { AnswerFacts, Authorizer, RequestFacts } from '#api/authorization.ts'
import { PermissionDeniedError, messageOf } from '#errors/errors.ts'
import { flagField, textField } from '#plugins/answer-fields.ts'
import { PluginError } from '#plugins/plugin-error.ts'
import type { Plugins } from '#plugins/plugins.ts'

/** How long a plugin may think. */
const ANSWER_MS = 30_000

/** Asks the plugins in order; the first that says no decides. A plugin that cannot be asked refuses everything. */
export function createAuthorizer(names: readonly string[], plugins: Plugins): Authorizer {
  return {
    async checkRequest(request) {
      for (const name of names) await ask(plugins, { name, method: 'AuthZReq', body: requestBody(request) })
    },
    async checkAnswer(request, answer) {
      const body = { ...requestBody(request), ...answerBody(answer) }
      for (const name of names.toReversed()) await ask(plugins, { name, method: 'AuthZRes', body })
    },
  }
}

async function ask(
  plugins: Plugins,
  question: { readonly name: string; readonly method: 'AuthZReq' | 'AuthZRes'; readonly body: object },
): Promise<void> {
  const { name, body } = question
  const method = `AuthZPlugin.${question.method}`
  let isAllowed: boolean
  let why: string
  try {
    const plugin = await plugins.get(name, 'authz')
    // A client waits for each of these calls: a plugin that is down is not waited for as well.
    const answer = await plugin.call(method, body, { timeoutMs: ANSWER_MS, retry: false })
    isAllowed = flagField(answer, 'Allow')
    why = textField(answer, 'Msg')
  } catch (error) {
    throw new PluginError(`plugin ${name} failed with error: ${messageOf(error)}`, {
      plugin: name,
      method,
      cause: error,
    })
  }
  if (!isAllowed) throw new PermissionDeniedError(`authorization denied by plugin ${name}: ${why}`)
}

function requestBody(request: RequestFacts): Record<string, unknown> {
  return {
    User: request.user,
    UserAuthNMethod: request.user === '' ? '' : 'TLS',
    RequestMethod: request.method,
    RequestUri: request.uri,
    RequestHeaders: request.headers,
    ...(request.body !== null && { RequestBody: Buffer.from(request.body).toString('base64') }),
  }
}

function answerBody(answer: AnswerFacts): Record<string, unknown> {
  return {
    ResponseStatusCode: answer.status,
    ResponseHeaders: answer.headers,
    ...(answer.body !== null && { ResponseBody: Buffer.from(answer.body).toString('base64') }),
  }
}
