import type { ImageRecord } from '#images/image-service.ts'
import type { CgroupFeatures } from '#kernel/cgroups/cgroups.ts'
import { supportedLimits } from '#runtime/spec/supported-limits.ts'
import type { PlatformSpec } from '#spec/docker/options.ts'
import type { ContainerRecord } from '../records.ts'

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  arm64: 'arm64',
  ia32: '386',
  arm: 'arm',
}

/** What Docker warns of at creation, though it goes on. */
export function createWarnings(
  record: ContainerRecord,
  options: {
    readonly image: ImageRecord
    readonly platform: PlatformSpec | null
    /** What limits this machine can keep. */
    readonly features: CgroupFeatures
  },
): readonly string[] {
  const { hostConfig } = record
  const warnings = [...supportedLimits(hostConfig, options.features).warnings]
  const host = ARCHITECTURES[process.arch] ?? process.arch
  const { architecture, os, variant } = options.image.platform
  if (options.platform === null && (architecture !== host || os !== 'linux')) {
    const text = `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`
    warnings.push(
      `The requested image's platform (${text}) does not match the detected host platform (linux/${host}) ` +
        'and no specific platform was requested',
    )
  }
  if (hostConfig.OomKillDisable === true && (hostConfig.Memory ?? 0) === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    )
  }
  const published =
    Object.keys(hostConfig.PortBindings ?? {}).length > 0 || hostConfig.PublishAllPorts === true
  if (hostConfig.NetworkMode === 'host' && published) {
    warnings.push('Published ports are discarded when using host network mode')
  }
  if (record.mounts.some((mount) => mount.type === 'image')) {
    warnings.push('Image mount is an experimental feature')
  }
  return warnings
}
