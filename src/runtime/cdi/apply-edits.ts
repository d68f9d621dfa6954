import { statSync } from 'node:fs'
import { readDevice } from '#kernel/device-nodes.ts'
import { errnoOf, InvalidArgumentError } from '#errors/errors.ts'
import { mergeEnvironment } from '../spec/environment.ts'
import type { OciDevice, OciDeviceRule, OciHook, OciHooks, OciMount, OciSpec } from '../spec/oci-spec.ts'
import type { CdiDeviceNode, CdiEdits, CdiHook, CdiMount } from './cdi-spec.ts'

/** A spec with the edits of devices made to it, in their order. @throws InvalidArgumentError for a node that is not there */
export function applyEdits(spec: OciSpec, edits: readonly CdiEdits[]): OciSpec {
  if (edits.length === 0) return spec
  const nodes = edits.flatMap((edit) => edit.deviceNodes ?? []).map(deviceNode)
  const mounts = edits.flatMap((edit) => edit.mounts ?? []).map(ociMount)
  const gids = edits.flatMap((edit) => edit.additionalGids ?? [])
  const replaced = new Set(mounts.map((mount) => mount.destination))
  const { process: before, linux } = spec
  const user = {
    ...before.user,
    additionalGids: [...new Set([...(before.user.additionalGids ?? []), ...gids])],
  }
  const env = mergeEnvironment(
    before.env,
    edits.flatMap((edit) => edit.env ?? []),
  )
  const hooks = ociHooks(edits.flatMap((edit) => edit.hooks ?? []))
  return {
    ...spec,
    process: { ...before, user, env },
    mounts: [...spec.mounts.filter((mount) => !replaced.has(mount.destination)), ...mounts],
    ...(hooks === null ? {} : { hooks }),
    linux: {
      ...linux,
      devices: [...(linux.devices ?? []), ...nodes.map((node) => node.device)],
      resources: {
        ...linux.resources,
        devices: [...linux.resources.devices, ...nodes.map((node) => node.rule)],
      },
    },
  }
}

/** Type and number are read from the host: a file may leave them out, and drivers change them. */
function deviceNode(node: CdiDeviceNode): { readonly device: OciDevice; readonly rule: OciDeviceRule } {
  const source = node.hostPath ?? node.path
  try {
    const found = readDevice(source)
    if (found === null)
      throw new InvalidArgumentError(`CDI device injection failed: ${source} is not a device node`)
    const stat = statSync(source)
    const { type, major, minor } = found
    const device = {
      ...found,
      path: node.path,
      fileMode: node.fileMode ?? stat.mode & 0o7777,
      uid: node.uid ?? stat.uid,
      gid: node.gid ?? stat.gid,
    }
    return { device, rule: { allow: true, type, major, minor, access: node.permissions ?? 'rwm' } }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    throw new InvalidArgumentError(
      `CDI device injection failed: failed to stat CDI host device ${JSON.stringify(source)}: no such file or directory`,
    )
  }
}

function ociMount(mount: CdiMount): OciMount {
  const options = mount.options ?? []
  return {
    destination: mount.containerPath,
    source: mount.hostPath,
    type: mount.type ?? 'bind',
    options: options.length > 0 ? options : ['rbind', 'rprivate'],
  }
}

function ociHooks(hooks: readonly CdiHook[]): OciHooks | null {
  if (hooks.length === 0) return null
  const byName: Record<string, OciHook[]> = {}
  for (const { hookName, path, args, env, timeout } of hooks) {
    const list = (byName[hookName] ??= [])
    list.push({
      path,
      ...(args ? { args } : {}),
      ...(env ? { env } : {}),
      ...(typeof timeout === 'number' ? { timeout } : {}),
    })
  }
  return byName
}
