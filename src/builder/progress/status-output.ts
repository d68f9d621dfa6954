import { createHash } from 'node:crypto'
import type { Digest } from '#base/digest.ts'
import { messageOf } from '#errors/errors.ts'
import {
  BUILD_RESULT_ID,
  BUILD_STATUS_ID,
  type BuildStatus,
  type BuildVertex,
  encodeBuildStatus,
} from '#spec/docker/build-status.ts'
import type { StepListener } from '../needs.ts'
import type { Step } from '../ops/context.ts'
import type { BuildState } from '../state.ts'
import type { Vertex } from '../solver/vertex.ts'
import type { BuildOutput, StepsOutput } from './build-output.ts'

/** Instructions that make layers or look for them; the others only change the configuration and are not told. */
const SHOWN = /^(?:FROM|RUN|COPY|ADD|WORKDIR)\b/i

/**
 * Tells a build as BuildKit does (`version=2`): a graph of vertices, each told when it starts and when it ends, with
 * what its command writes. Independent steps are told side by side.
 */
export class StatusOutput implements BuildOutput {
  readonly #progress: (line: object) => void
  #vertices = 0

  constructor(progress: (line: object) => void) {
    this.#progress = progress
  }

  message(line: { readonly stream?: string }): void {
    // What a pull tells of itself is in its vertex; warnings are for the reader.
    if (line.stream !== undefined) this.#progress(line)
  }

  steps(steps: readonly Step[], stageNames: ReadonlyMap<number, string>): StepsOutput {
    const vertices = new Map<Vertex<BuildState>, BuildVertex>()
    const shown = steps.filter(({ text }) => SHOWN.test(text))
    for (const step of shown) vertices.set(step, this.#vertex(nameOf(step, shown, stageNames)))
    for (const step of shown) {
      const vertex = vertices.get(step) as BuildVertex
      vertices.set(step, { ...vertex, inputs: inputsOf(step, vertices).map(({ digest }) => digest) })
    }
    const change = (step: Vertex<BuildState>, news: Partial<BuildVertex>): void => {
      const vertex = vertices.get(step)
      if (vertex === undefined) return
      vertices.set(step, { ...vertex, ...news })
      this.#tell({ vertexes: [vertices.get(step) as BuildVertex], logs: [] })
    }
    return {
      started: (step) => change(step, { startedMs: Date.now() }),
      finished: (step, { cached }) => change(step, { completedMs: Date.now(), cached }),
      failed: (step, error) => change(step, { completedMs: Date.now(), error: messageOf(error) }),
      listener: (step) => this.#listener(vertices.get(step)?.digest ?? ''),
    }
  }

  async task<T>(name: string, work: () => Promise<T>): Promise<T> {
    const vertex = { ...this.#vertex(name), startedMs: Date.now() }
    this.#tell({ vertexes: [vertex], logs: [] })
    let error = ''
    try {
      return await work()
    } catch (failure) {
      error = messageOf(failure)
      throw failure
    } finally {
      this.#tell({ vertexes: [{ ...vertex, completedMs: Date.now(), error }], logs: [] })
    }
  }

  built(imageId: Digest | null): void {
    if (imageId !== null) this.#progress({ id: BUILD_RESULT_ID, aux: { ID: imageId } })
  }

  #listener(vertex: string): StepListener {
    return {
      created: () => {},
      output: (stream, bytes) =>
        this.#tell({ vertexes: [], logs: [{ vertex, timeMs: Date.now(), stream, bytes }] }),
      removed: () => {},
    }
  }

  #vertex(name: string): BuildVertex {
    const digest = `sha256:${createHash('sha256')
      .update(`${String(++this.#vertices)} ${name}`)
      .digest('hex')}`
    return { digest, inputs: [], name, cached: false, startedMs: null, completedMs: null, error: '' }
  }

  #tell(status: BuildStatus): void {
    const aux = Buffer.from(encodeBuildStatus(status)).toString('base64')
    this.#progress({ id: BUILD_STATUS_ID, aux })
  }
}

/** `[2/3] RUN make`, with the name of the stage where there are several; numbers are among the steps that are shown. */
export function nameOf(step: Step, shown: readonly Step[], stageNames: ReadonlyMap<number, string>): string {
  const own = shown.filter(({ stage }) => stage === step.stage)
  const name = stageNames.get(step.stage) ?? String(step.stage)
  const stage = /^\d+$/.test(name) ? `stage-${name}` : name
  const isOnly = own.length === shown.length && stage.startsWith('stage-')
  return `[${isOnly ? '' : `${stage} `}${own.indexOf(step) + 1}/${own.length}] ${step.text}`
}

/** The nearest steps before this one that are told. */
function inputsOf(
  step: Vertex<BuildState>,
  vertices: ReadonlyMap<Vertex<BuildState>, BuildVertex>,
): readonly BuildVertex[] {
  return step.inputs.flatMap((input) => {
    const vertex = vertices.get(input)
    return vertex === undefined ? inputsOf(input, vertices) : [vertex]
  })
}
