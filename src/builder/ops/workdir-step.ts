import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { BuildState } from '../state.ts'
import { Scope } from '../variables.ts'
import { mountedView } from './base-view.ts'
import type { MadeLayer, Step, StepContext } from './context.ts'
import { BEFORE } from './key-parts.ts'
import { heldLayer, layerStep } from './layer-step.ts'
import { layerTar } from './layer-tar.ts'
import { nextWorkdir } from './metadata.ts'
import { directory, placeDirectory } from './placement.ts'

/** WORKDIR: sets the working directory, and makes it where the image does not have it. */
export function workdirStep(
  instruction: InstructionOf<'workdir'>,
  at: { readonly stage: number; readonly input: Step; readonly context: StepContext },
): Step {
  const { context } = at
  const path = (state: BuildState): string =>
    nextWorkdir(state.config, Scope.of(state, context.escape).word(instruction.value))
  return layerStep({
    stage: at.stage,
    text: instruction.text,
    inputs: [at.input],
    context,
    type: 'regular',
    key: ([state]) =>
      Promise.resolve({
        parts: {
          step: 'workdir',
          path: path(state as BuildState),
          [BEFORE]: (state as BuildState).layers.join(),
        },
      }),
    changes: (state) => ({ config: { ...state.config, WorkingDir: path(state) } }),
    createdBy: (state) => `WORKDIR ${path(state)}`,
    async make([state], signal): Promise<MadeLayer | null> {
      const { layers } = state as BuildState
      await using mounted = await context.roots.mount(layers)
      const files = placeDirectory(path(state as BuildState), {
        base: mountedView(mounted.root),
        made: directory(null, Date.parse(context.now())),
      })
      if (files.length === 0) return null
      return await heldLayer(
        context,
        context.layers.ingest(
          { stream: layerTar(files, { clampMs: context.clampMs, signal }) },
          { compression: 'none', signal },
        ),
      )
    },
  })
}
