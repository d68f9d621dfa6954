import { InvalidArgumentError } from '#errors/errors.ts'
import { type Directives, readDirectives } from './directives.ts'
import { DockerfileError } from './dockerfile-error.ts'
import type { Instruction, InstructionOf } from './instructions.ts'
import { readLogicalLines } from './logical-lines.ts'
import { parseInstruction } from './parse-instruction.ts'

/** A stage: its FROM and the instructions up to the next one. */
export interface Stage {
  readonly from: InstructionOf<'from'>
  readonly instructions: readonly Instruction[]
}

/** A Dockerfile read, with nothing expanded or looked up. */
export interface Dockerfile {
  readonly directives: Directives
  /** The ARGs before the first FROM. */
  readonly globalArgs: readonly InstructionOf<'arg'>[]
  readonly stages: readonly Stage[]
}

/** The longest Dockerfile that is read: more is no Dockerfile. */
const MAX_BYTES = 8 * 1024 * 1024

/**
 * Parses the text of a Dockerfile (Dockerfile reference, docs.docker.com/reference/dockerfile).
 * @throws DockerfileError with the line, InvalidArgumentError where there is nothing to build.
 */
export function parseDockerfile(text: string): Dockerfile {
  if (text.length > MAX_BYTES)
    throw new InvalidArgumentError(`the Dockerfile is larger than ${MAX_BYTES} bytes`)
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const directives = readDirectives(lines)
  const found = readLogicalLines(lines, directives.escape)
  if (found.length === 0) throw new InvalidArgumentError('file with no instructions')
  const globalArgs: InstructionOf<'arg'>[] = []
  const stages: { from: InstructionOf<'from'>; instructions: Instruction[] }[] = []
  for (const line of found) {
    const instruction = parseInstruction(line, directives.escape)
    const stage = stages.at(-1)
    if (instruction.kind === 'from') stages.push({ from: instruction, instructions: [] })
    else if (stage !== undefined) stage.instructions.push(instruction)
    else if (instruction.kind === 'arg') globalArgs.push(instruction)
    else throw new DockerfileError(line.startLine, 'no build stage in current context')
  }
  if (stages.length === 0) throw new InvalidArgumentError('no build stage in current context')
  return { directives, globalArgs, stages }
}

/** Parses the trigger of an ONBUILD instruction, kept in an image's configuration. */
export function parseTrigger(text: string): Instruction {
  const lines = readLogicalLines(text.split('\n'), '\\')
  const line = lines[0]
  if (line === undefined || lines.length !== 1)
    throw new InvalidArgumentError(`invalid ONBUILD trigger ${JSON.stringify(text)}`)
  return parseInstruction(line, '\\')
}
