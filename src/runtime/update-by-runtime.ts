import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { captureOutput } from '#kernel/capture.ts'
import type { Resources } from '#spec/docker/host-config.ts'
import { runtimeMessage } from './failure-texts.ts'
import type { OciContainer } from './oci-container.ts'
import { RuntimeFailure } from './runtime-failure.ts'
import { ociResources } from './spec/resources.ts'

/**
 * Changes limits by the runtime's own command: systemd must know of them, or it sets the old ones again.
 * @throws RuntimeFailure, InvalidArgumentError
 */
export async function updateByRuntime(
  { engine, id, bundle }: OciContainer,
  { resources, stateRoot }: { readonly resources: Resources; readonly stateRoot: string },
): Promise<void> {
  const { devices: _, ...limits } = ociResources(resources, [])
  const file = join(bundle.path, 'resources.json')
  writeFileSync(file, JSON.stringify(limits), { mode: 0o600 })
  try {
    const { exit, output } = await captureOutput({
      argv: [engine.path, ...engine.args, `--root=${stateRoot}`, 'update', '--resources', file, id],
      env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin'],
    })
    if (exit.exitCode === 0) return
    throw new RuntimeFailure(
      `${engine.name} did not terminate successfully: ${runtimeMessage(output)}: unknown`,
      {
        exitCode: 128,
      },
    )
  } finally {
    rmSync(file, { force: true })
  }
}
