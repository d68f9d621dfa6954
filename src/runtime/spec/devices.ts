import { readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readDevice } from '#kernel/device-nodes.ts'
import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'
import type { OciDevice, OciDeviceRule } from './oci-spec.ts'

/** Devices of a container, and what its cgroup lets it do with devices. */
export interface DeviceAccess {
  readonly devices: readonly OciDevice[]
  readonly rules: readonly OciDeviceRule[]
}

const DENY_ALL: OciDeviceRule = { allow: false, access: 'rwm' }
/** Kept from a privileged container: it has its own instances. */
const OWN_INSTANCE = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', '.lxc', '.lxd-mounts', 'hugepages'])

/**
 * The devices that HostConfig names, read from the host's /dev. The runtime adds /dev/null and its kin.
 * @throws InvalidArgumentError in dockerd's words when a device is not there
 */
export function deviceAccess(hostConfig: HostConfig): DeviceAccess {
  if (hostConfig.Privileged === true) {
    return { devices: devicesBelow('/dev', '/dev'), rules: [{ allow: true, access: 'rwm' }] }
  }
  const devices: OciDevice[] = []
  const rules: OciDeviceRule[] = [DENY_ALL]
  for (const mapping of hostConfig.Devices ?? []) {
    const host = mapping.PathOnHost ?? ''
    const found = mappedDevices(host, emptyTo(mapping.PathInContainer, host))
    devices.push(...found)
    const access = emptyTo(mapping.CgroupPermissions, 'rwm')
    rules.push(...found.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access })))
  }
  rules.push(...(hostConfig.DeviceCgroupRules ?? []).map(parseDeviceRule))
  return { devices, rules }
}

function mappedDevices(pathOnHost: string, pathInContainer: string): readonly OciDevice[] {
  const missing = (detail: string): InvalidArgumentError =>
    new InvalidArgumentError(
      `error gathering device information while adding custom device ${JSON.stringify(pathOnHost)}: ${detail}`,
    )
  let resolved: string
  try {
    resolved = realpathSync(pathOnHost)
  } catch (error) {
    throw missing(errnoOf(error) === 'ENOENT' ? 'no such file or directory' : String(errnoOf(error)))
  }
  const device = deviceAt(resolved, pathInContainer)
  if (device !== null) return [device]
  const below = statSync(resolved).isDirectory() ? devicesBelow(resolved, pathInContainer) : []
  if (below.length === 0) throw missing('not a device node')
  return below
}

function devicesBelow(directory: string, shownAs: string): readonly OciDevice[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (OWN_INSTANCE.has(entry.name)) return []
    const [path, shown] = [join(directory, entry.name), join(shownAs, entry.name)]
    if (entry.isDirectory()) return devicesBelow(path, shown)
    if (!entry.isBlockDevice() && !entry.isCharacterDevice()) return []
    const device = deviceAt(path, shown)
    return device === null ? [] : [device]
  })
}

function deviceAt(path: string, shownAs: string): OciDevice | null {
  const device = readDevice(path)
  if (device === null) return null
  const { mode, uid, gid } = statSync(path)
  return { ...device, path: shownAs, fileMode: mode & 0o7777, uid, gid }
}

/** `c 1:3 rwm`, `b *:* m`, `a *:* rwm`. @throws InvalidArgumentError */
export function parseDeviceRule(text: string): OciDeviceRule {
  const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text)
  if (match === null) throw new InvalidArgumentError(`invalid device cgroup rule format: '${text}'`)
  const [, type, major, minor, access] = match as unknown as [string, 'a' | 'b' | 'c', string, string, string]
  const number = (part: string): number => (part === '*' ? -1 : Number(part))
  return { allow: true, type, major: number(major), minor: number(minor), access }
}

function emptyTo(text: string | null | undefined, fallback: string): string {
  return text === null || text === undefined || text === '' ? fallback : text
}
