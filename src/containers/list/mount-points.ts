import type { MountPoint } from '#spec/docker/host-config.ts'
import type { MountRecord } from '../create/mount-record.ts'

/** `Mounts` of inspect and of list. */
export function mountPoint(mount: MountRecord): MountPoint {
  const common = { Destination: mount.destination, Mode: mount.mode, RW: !mount.readOnly }
  switch (mount.type) {
    case 'bind':
      return { Type: 'bind', Source: mount.source, ...common, Propagation: mount.propagation }
    case 'volume':
      return {
        Type: 'volume',
        Name: mount.name,
        Source: mount.source,
        Destination: mount.destination,
        Driver: mount.driver,
        Mode: mount.mode,
        RW: !mount.readOnly,
        Propagation: '',
      }
    case 'tmpfs':
      return { Type: 'tmpfs', Source: '', ...common, Propagation: '' }
    case 'image':
      return { Type: 'image', Name: mount.image, Source: mount.imageId, ...common, Propagation: '' }
  }
}
