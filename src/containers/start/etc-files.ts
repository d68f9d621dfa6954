import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Owner } from '#base/id-map.ts'
import type { Sandbox } from '#network/networks.ts'
import type { ContainerMount } from '#runtime/runtime.ts'
import type { ContainerPaths } from '../container-paths.ts'

/**
 * Writes the files of /etc that tell a container its name and its network, and gives their mounts. `other` are the
 * files of the container whose network is joined.
 */
export function etcFiles(
  paths: ContainerPaths,
  options: {
    hostname: string
    sandbox: Sandbox
    other: ContainerPaths | null
    readOnly: boolean
    /** The host's ids of the container's root, if they are others. */
    owner: Owner | null
  },
): readonly ContainerMount[] {
  const { sandbox, other, owner } = options
  mkdirSync(paths.directory, { recursive: true, mode: 0o710 })
  if (owner !== null) chownSync(paths.directory, 0, owner.gid)
  const write = (path: string, text: string): string => {
    writeFileSync(path, text, { mode: 0o644 })
    if (owner !== null) chownSync(path, owner.uid, owner.gid)
    return path
  }
  const files = {
    '/etc/resolv.conf':
      sandbox.resolvConf === null ? (other ?? paths).resolvConf : write(paths.resolvConf, sandbox.resolvConf),
    '/etc/hostname': other === null ? write(paths.hostname, `${options.hostname}\n`) : other.hostname,
    '/etc/hosts': sandbox.hosts === null ? (other ?? paths).hosts : write(paths.hosts, sandbox.hosts),
  }
  return Object.entries(files).map(([destination, source]) => ({
    kind: 'bind',
    source,
    destination,
    readOnly: options.readOnly,
    propagation: 'rprivate',
  }))
}
