import type { ContainerSummary } from '#spec/docker/container.ts'
import type { Images } from '#images/image-service.ts'
import type { Networks } from '#network/networks.ts'
import type { ContainerRecord } from '../records.ts'
import { parseNs } from '../timestamp.ts'
import { mountPoint } from './mount-points.ts'
import { networkSettings } from './network-view.ts'
import { portSummary } from './port-summary.ts'
import { statusText } from './status-text.ts'

/** A container as `docker ps` shows it. */
export function summarize(
  record: ContainerRecord,
  facts: {
    readonly networks: Networks
    readonly images: Images
    readonly nowNs: bigint
    readonly linkNames: readonly string[]
  },
): ContainerSummary {
  const settings = networkSettings(record, facts.networks)
  const { Annotations } = record.hostConfig
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...facts.linkNames],
    Image: imageName(record, facts.images),
    ImageID: record.imageId,
    Command: commandText(record),
    Created: Number((parseNs(record.createdAt) ?? 0n) / 1_000_000_000n),
    Ports: portSummary(settings.Ports ?? {}),
    Labels: record.config.Labels ?? {},
    State: record.state.status,
    Status: statusText(record, facts.nowNs),
    HostConfig: {
      NetworkMode: record.hostConfig.NetworkMode ?? '',
      ...(Annotations && Object.keys(Annotations).length > 0 ? { Annotations } : {}),
    },
    NetworkSettings: { Networks: settings.Networks ?? {} },
    Mounts: record.mounts.map(mountPoint),
    Health: {
      Status: record.state.health?.status ?? 'none',
      FailingStreak: record.state.health?.failingStreak ?? 0,
    },
  }
}

/** The name the user gave, as long as it still means this image; else the image's id. */
function imageName(record: ContainerRecord, images: Images): string {
  const image = images.find(record.image)
  return image?.id === record.imageId ? record.image : record.imageId
}

/** The command as Docker prints it: arguments with spaces in quotes. */
function commandText(record: ContainerRecord): string {
  const args = record.args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))
  return [record.path, ...args].join(' ')
}
