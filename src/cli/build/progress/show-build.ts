import type { ProgressMessage } from '#client/images.ts'
import { BUILD_STATUS_ID, type BuildStatus, decodeBuildStatus } from '#spec/docker/build-status.ts'
import { ExitError } from '../../core/exit.ts'
import { showProgress, type Sink } from '../../core/progress.ts'
import { BuildView } from './build-view.ts'
import { PlainRenderer } from './plain.ts'
import type { BuildRenderer } from './renderer.ts'
import { type TerminalSize, TtyRenderer } from './tty.ts'

/** The ways to show a build. */
export const PROGRESS_KINDS = ['auto', 'plain', 'tty', 'rawjson', 'quiet'] as const
export type ProgressKind = (typeof PROGRESS_KINDS)[number]

/** How the end of a failed step's output is limited. */
const TOLD_LINES = 20

/**
 * Shows a build that the daemon tells as BuildKit does, and what went wrong: the end of the output of the step that failed
 * and, where the daemon knows them, its lines of the Dockerfile.
 * @throws ExitError with the daemon's reason when the build failed
 */
export async function showBuild(
  out: Sink,
  messages: AsyncIterable<ProgressMessage>,
  options: {
    readonly kind: ProgressKind
    readonly size: () => TerminalSize
    readonly onAux: (aux: unknown) => void
  },
): Promise<void> {
  const view = new BuildView()
  const renderer = rendererFor(out, { ...options, view })
  const others = async function* (): AsyncGenerator<ProgressMessage> {
    for await (const message of messages) {
      if (message.id !== BUILD_STATUS_ID) yield message
      else {
        const status = decodeBuildStatus(Buffer.from(String(message.aux), 'base64'))
        if (options.kind === 'rawjson') out.write(`${rawJson(status)}\n`)
        else renderer.show(view.apply(status))
      }
    }
    renderer.end()
  }
  let excerpt = ''
  try {
    await showProgress(options.kind === 'rawjson' ? silent : out, others(), {
      codeIsStatus: true,
      onSource: (source) => (excerpt = source.excerpt),
      onAux: options.onAux,
    })
  } catch (error) {
    renderer.end()
    if (!(error instanceof ExitError) || options.kind === 'rawjson') throw error
    throw new ExitError(error.status, `${failure(view)}${excerpt}${error.message}`)
  }
}

const silent: Sink = { isTty: false, write: () => {} }
const nothing: BuildRenderer = { show: () => {}, end: () => {} }

function rendererFor(
  out: Sink,
  options: { readonly kind: ProgressKind; readonly size: () => TerminalSize; readonly view: BuildView },
): BuildRenderer {
  if (options.kind === 'rawjson') return nothing
  if (options.kind === 'tty' || (options.kind === 'auto' && out.isTty)) return new TtyRenderer(out, options)
  return new PlainRenderer(out)
}

/** A status as buildx writes it: times in RFC 3339, output in base64. */
function rawJson({ vertexes, logs }: BuildStatus): string {
  const time = (ms: number | null): string | undefined =>
    ms === null ? undefined : new Date(ms).toISOString()
  return JSON.stringify({
    vertexes: vertexes.map(({ startedMs, completedMs, cached, error, ...vertex }) => ({
      ...vertex,
      started: time(startedMs),
      completed: time(completedMs),
      cached: cached || undefined,
      error: error || undefined,
    })),
    logs: logs.map(({ vertex, stream, bytes, timeMs }) => ({
      vertex,
      stream: stream === 'stdout' ? 1 : 2,
      data: Buffer.from(bytes).toString('base64'),
      timestamp: time(timeMs),
    })),
  })
}

function failure(view: BuildView): string {
  const { failed } = view
  if (failed === null) return ''
  const lines = failed.lines.slice(-TOLD_LINES).map((line) => `${line}\n`)
  return `\n------\n > ${failed.vertex.name}:\n${lines.join('')}------\n`
}
