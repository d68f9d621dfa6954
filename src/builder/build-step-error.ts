import { InvalidArgumentError } from '#errors/errors.ts'

/** A command of a build ended with an exit code other than 0; in the words of Docker's classic builder. */
export class BuildStepError extends InvalidArgumentError {
  readonly exitCode: number

  constructor(command: string, exitCode: number) {
    super(`The command '${command}' returned a non-zero code: ${exitCode}`)
    this.exitCode = exitCode
  }
}
