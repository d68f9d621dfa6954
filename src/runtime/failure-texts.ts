import { RuntimeFailure } from './runtime-failure.ts'

/** What went wrong with the user's program, in runc's words, which Docker's clients look for. */
interface ProgramFault {
  readonly text: string
  readonly exitCode: number
}

const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
const OTHER = 128

/**
 * The error for a container that the OCI runtime could not make, as dockerd words it.
 * @param output what the runtime printed
 */
export function createFailure(engine: string, output: string, program: string): RuntimeFailure {
  const file = /^chdir `(.*)`: Not a directory$|^mkdir (\S+): not a directory$/.exec(runtimeMessage(output))
  if (file !== null) {
    const text = `Cannot mkdir: ${file[1] ?? file[2] ?? ''} is not a directory`
    return new RuntimeFailure(text, { exitCode: OTHER })
  }
  const { text, exitCode } = explain(output, program)
  const prefix = 'failed to create task for container: failed to create shim task: OCI runtime create failed'
  return new RuntimeFailure(`${prefix}: ${engine} create failed: ${text}: unknown`, { exitCode })
}

/** The error for an exec that the OCI runtime could not make. */
export function execFailure(output: string, program: string): RuntimeFailure {
  const { text, exitCode } = explain(output, program)
  return new RuntimeFailure(`OCI runtime exec failed: exec failed: ${text}`, { exitCode })
}

/** crun and runc say the same things differently; scripts know runc's. */
function explain(output: string, program: string): ProgramFault {
  const text = runtimeMessage(output)
  const start = 'unable to start container process'
  const quoted = JSON.stringify(program)
  const isNotFound = /executable file.* not found/.test(text) || program === ''
  if (isNotFound && !program.includes('/')) {
    return { text: `${start}: exec: ${quoted}: executable file not found in $PATH`, exitCode: NOT_FOUND }
  }
  // crun and runc again; what else may be missing (a mount's source, a cgroup) is told as it is.
  if (/executable file.* not found|exec: "[^"]*": stat .*no such file or directory/i.test(text)) {
    return {
      text: `${start}: exec: ${quoted}: stat ${program}: no such file or directory`,
      exitCode: NOT_FOUND,
    }
  }
  // crun only says `chdir`.
  const directoryOf = /^chdir `(.*)`: (.*)$/.exec(text)
  if (directoryOf !== null) {
    const [, cwd = '', why = ''] = directoryOf
    return {
      text: `${start}: chdir to cwd (${JSON.stringify(cwd)}) set in config.json failed: ${why.toLowerCase()}`,
      exitCode: /no such file/i.test(why) ? NOT_FOUND : NOT_EXECUTABLE,
    }
  }
  const denied =
    /open executable: (operation not permitted|permission denied)|exec: "[^"]*": permission denied/i
  const directory = /exec: "[^"]*": is a directory|the path .* is (a directory|not a regular file)/i
  if (denied.test(text) || directory.test(text)) {
    const reason = directory.test(text) ? 'is a directory: permission denied' : 'permission denied'
    return { text: `${start}: exec: ${quoted}: ${reason}`, exitCode: NOT_EXECUTABLE }
  }
  const exitCode = /permission denied/i.test(text)
    ? NOT_EXECUTABLE
    : /no such file or directory/i.test(text)
      ? NOT_FOUND
      : OTHER
  return { text: text === '' ? 'the runtime ended without a word' : text, exitCode }
}

/** The last line that a runtime printed, without its time and level. */
export function runtimeMessage(output: string): string {
  const lines = output.trim().split('\n').map(messageOfLine)
  return lines.findLast((line) => line !== '') ?? ''
}

/** crun: `2023-01-01T00:00:00.000000Z: text`; runc: `time="…" level=error msg="text"`, or JSON, or `runc … failed: text`. */
function messageOfLine(line: string): string {
  const logged = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(line)
  const text = logged?.[1] === undefined ? line : logged[1].replace(/\\(["\\])/g, '$1')
  return text
    .replace(/^\[conmon[^\]]*\]:?\s*/, '')
    .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z:?\s*/, '')
    .replace(/^runc (create|run|exec) failed:\s*/, '')
    .trim()
}
