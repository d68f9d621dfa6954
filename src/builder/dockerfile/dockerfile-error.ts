import { InvalidArgumentError } from '#errors/errors.ts'

/** A mistake in a Dockerfile: says the line (from 1) in the words that Docker uses. */
export class DockerfileError extends InvalidArgumentError {
  readonly line: number

  constructor(line: number, problem: string) {
    super(`dockerfile parse error on line ${line}: ${problem}`)
    this.line = line
  }
}
