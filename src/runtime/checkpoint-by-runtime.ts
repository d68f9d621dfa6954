import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { captureOutput } from '#kernel/capture.ts'
import { runtimeMessage } from './failure-texts.ts'
import type { OciContainer } from './oci-container.ts'
import { RuntimeFailure } from './runtime-failure.ts'

/** Of what CRIU noted, so much is told. */
const TOLD_LINES = 3

/**
 * Has CRIU write a container's processes to a directory, by the runtime's own command.
 * @throws RuntimeFailure with what the runtime and CRIU say
 */
export async function checkpointByRuntime(
  { engine, id, bundle }: OciContainer,
  to: { readonly path: string; readonly leavesRunning: boolean; readonly stateRoot: string },
): Promise<void> {
  const workPath = join(bundle.path, 'criu')
  mkdirSync(workPath, { recursive: true, mode: 0o700 })
  const { exit, output } = await captureOutput({
    argv: [
      engine.path,
      ...engine.args,
      `--root=${to.stateRoot}`,
      'checkpoint',
      `--image-path=${to.path}`,
      `--work-path=${workPath}`,
      ...(to.leavesRunning ? ['--leave-running'] : []),
      id,
    ],
    env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
  })
  if (exit.exitCode === 0) return
  const why = /unknown command/.test(output)
    ? `the runtime ${engine.name} of this machine is built without CRIU: run the container with another one (--runtime)`
    : [runtimeMessage(output), ...criuErrors(join(workPath, 'dump.log'))].join('; ')
  throw new RuntimeFailure(`${engine.name} did not terminate successfully: ${why}`, { exitCode: 128 })
}

/** The last errors of CRIU's log: `(00.012) Error (criu/x.c:1): text`. */
export function criuErrors(log: string): readonly string[] {
  if (!existsSync(log)) return []
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => /\bError\b/.test(line))
    .slice(-TOLD_LINES)
    .map((line) => line.replace(/^\([\d.]+\)\s*(\d+:\s*)?/, ''))
}
