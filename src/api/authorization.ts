/** A request as authorization sees it (Docker's "Access authorization plugin" protocol). */
export interface RequestFacts {
  readonly method: string
  /** Path and query, as sent. */
  readonly uri: string
  readonly headers: Readonly<Record<string, string>>
  /** Of JSON bodies only: archives and streams are not looked at. */
  readonly body: string | null
  /** The name in the client's certificate, or empty. */
  readonly user: string
}

/** The answer to it. Of streams and taken-over connections the answer is not asked about: it has gone already. */
export interface AnswerFacts {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** Says who may do what. */
export interface Authorizer {
  /** Before a request is handled. @throws PermissionDeniedError to refuse it, any other error when it cannot say */
  checkRequest(request: RequestFacts): Promise<void>
  /** Before an answer is sent. @throws as `checkRequest`: the client then gets that instead of the answer */
  checkAnswer(request: RequestFacts, answer: AnswerFacts): Promise<void>
}
