import { rm } from 'node:fs/promises'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { InstructionOf } from '../dockerfile/instructions.ts'
import type { BuildState } from '../state.ts'
import { Scope } from '../variables.ts'
import { addSources } from './add-sources.ts'
import { type BaseView, emptyView, mountedView } from './base-view.ts'
import type { MadeLayer, Step, StepContext } from './context.ts'
import { type CopyRequest, copyRequest } from './copy-request.ts'
import {
  digestSources,
  inlineSource,
  ownedByRoot,
  type SelectedSource,
  selectSources,
} from './file-selection.ts'
import { BEFORE, FILES } from './key-parts.ts'
import { heldLayer, layerStep } from './layer-step.ts'
import { layerTar } from './layer-tar.ts'
import { resolveOwner } from './owner.ts'
import { isLayerOf } from './layer-resemblance.ts'
import { type PlacedFile, placeSources } from './placement.ts'

/** Where a COPY takes its files from. */
export type CopySource =
  { readonly kind: 'context'; readonly name: string } | { readonly kind: 'step'; readonly step: Step }

/** COPY and ADD: selects files, and makes a layer of them. The cache goes by what the files hold, not by their times. */
export function copyStep(
  instruction: InstructionOf<'copy' | 'add'>,
  at: {
    readonly stage: number
    readonly input: Step
    readonly from: CopySource
    readonly context: StepContext
  },
): Step {
  const { context, from } = at
  // The key is made just before the layer: both look at the same files, downloaded once.
  let selected: Selected | null = null
  const select = async (inputs: readonly BuildState[], signal: AbortSignal): Promise<Selected> => {
    const request = copyRequest(instruction, Scope.of(inputs[0] as BuildState, context.escape))
    selected = await gather(request, { inputs, from, context, signal })
    return selected
  }
  return layerStep({
    stage: at.stage,
    text: instruction.text,
    inputs: from.kind === 'step' ? [at.input, from.step] : [at.input],
    context,
    type: 'regular',
    async key(inputs, signal) {
      const { request, digest, files } = await select(inputs, signal)
      const { layers, config } = inputs[0] as BuildState
      return {
        parts: {
          step: 'copy',
          [FILES]: digest,
          instruction: JSON.stringify(request),
          'working directory': config.WorkingDir ?? '/',
          ...(request.link ? {} : { [BEFORE]: layers.join() }),
        },
        files,
      }
    },
    createdBy(state) {
      const { keyword, sources, inline, destination } = copyRequest(
        instruction,
        Scope.of(state, context.escape),
      )
      const names = [...sources, ...inline.map((file) => `<<${file.name}`)]
      return `${keyword} ${names.join(' ')} ${destination} # buildkit`
    },
    async resembles(layer, inputs, signal) {
      const chosen = selected ?? (await select(inputs, signal))
      await using held = new AsyncDisposableStack()
      const { files, base } = await place(inputs[0] as BuildState, { chosen, context, held })
      return await isLayerOf(files, { tar: context.layers.tar(layer), base, signal })
    },
    async make(inputs, signal): Promise<MadeLayer | null> {
      const chosen = selected ?? (await select(inputs, signal))
      try {
        return await makeLayer(inputs[0] as BuildState, { chosen, context, inputs, from, signal })
      } finally {
        await chosen.release()
      }
    },
  })
}

/** What a COPY or ADD takes; `release` gives back mounts and downloads. */
interface Selected {
  readonly request: CopyRequest
  readonly digest: string
  /** A digest of each file. */
  readonly files: ReadonlyMap<string, string>
  readonly sources: readonly SelectedSource[]
  release(): Promise<void>
}

type Gathering = {
  readonly inputs: readonly BuildState[]
  readonly from: CopySource
  readonly context: StepContext
  readonly signal: AbortSignal
}

async function gather(request: CopyRequest, at: Gathering): Promise<Selected> {
  await using held = new AsyncDisposableStack()
  const root = await sourceRoot(at, held)
  const options = { keyword: request.keyword, excludes: request.excludes }
  const taken =
    request.keyword === 'ADD'
      ? await addSources(root, request, {
          ...options,
          ...at.context,
          signal: at.signal,
          defer: (path) => held.defer(() => remove(path)),
        })
      : await selectSources(root, request.sources, options)
  const inline = request.inline.map((file) => inlineSource(file.name, file.content))
  const fromContext = request.keyword === 'COPY' && at.from.kind === 'context'
  const sources = [...inline, ...(fromContext ? taken.map(ownedByRoot) : taken)]
  if (sources.length === 0)
    throw new InvalidArgumentError(`${request.keyword} failed: no source files were specified`)
  const { digest, files } = await digestSources(sources, at.signal)
  // A step whose result is in the cache never makes its layer: then the end of the build lets go.
  const kept = at.context.held.use(held.move())
  return { request, digest, files, sources, release: () => kept.disposeAsync() }
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true })
}

async function sourceRoot(at: Gathering, held: AsyncDisposableStack): Promise<string> {
  if (at.from.kind === 'step')
    return held.use(await at.context.roots.mount((at.inputs[1] as BuildState).layers)).root
  return await at.context.contexts.directory(at.from.name)
}

async function makeLayer(
  state: BuildState,
  at: Gathering & { readonly chosen: Selected },
): Promise<MadeLayer | null> {
  const { context, signal, chosen } = at
  await using held = new AsyncDisposableStack()
  const { files } = await place(state, { chosen, context, held })
  if (files.length === 0) return null
  return await heldLayer(
    context,
    context.layers.ingest(
      { stream: layerTar(files, { clampMs: context.clampMs, signal }) },
      { compression: 'none', signal },
    ),
  )
}

/** Decides where the files go on what is there. */
async function place(
  state: BuildState,
  at: {
    readonly chosen: Selected
    readonly context: StepContext
    readonly held: AsyncDisposableStack
  },
): Promise<{ readonly files: readonly PlacedFile[]; readonly base: BaseView }> {
  const { context, held } = at
  const { request, sources } = at.chosen
  const needsBase = !request.link || (request.chown !== null && /[a-z]/i.test(request.chown))
  const root = needsBase ? held.use(await context.roots.mount(state.layers)).root : null
  const base = request.link || root === null ? emptyView : mountedView(root)
  const files = placeSources(request, sources, {
    base,
    workdir: state.config.WorkingDir ?? '/',
    owner: request.chown === null ? null : await resolveOwner(root ?? '/nonexistent', request.chown),
    now: Date.parse(context.now()),
  })
  return { files, base }
}
