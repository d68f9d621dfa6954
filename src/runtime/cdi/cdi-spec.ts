import { parse } from 'yaml'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'

/** What a device changes in a container (CNCF Container Device Interface, SPEC.md 0.8). */
export interface CdiEdits {
  readonly env?: readonly string[] | null
  readonly deviceNodes?: readonly CdiDeviceNode[] | null
  readonly mounts?: readonly CdiMount[] | null
  readonly hooks?: readonly CdiHook[] | null
  readonly additionalGids?: readonly number[] | null
}

export interface CdiDeviceNode {
  readonly path: string
  readonly hostPath?: string | null
  readonly permissions?: string | null
  readonly fileMode?: number | null
  readonly uid?: number | null
  readonly gid?: number | null
}

export interface CdiMount {
  readonly hostPath: string
  readonly containerPath: string
  readonly type?: string | null
  readonly options?: readonly string[] | null
}

export interface CdiHook {
  readonly hookName: string
  readonly path: string
  readonly args?: readonly string[] | null
  readonly env?: readonly string[] | null
  readonly timeout?: number | null
}

/** A file of a vendor: devices of one kind, `vendor.com/class`. */
export interface CdiSpec {
  readonly kind: string
  readonly devices: readonly { readonly name: string; readonly containerEdits?: CdiEdits | null }[]
  /** For every container that gets one of the devices. */
  readonly containerEdits?: CdiEdits | null
}

const KIND = /^[A-Za-z][A-Za-z0-9_.-]*\/[A-Za-z][A-Za-z0-9_-]*$/
const DEVICE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]*$/
const HOOK_NAMES = new Set([
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
])

/** `vendor.com/class=name`, taken apart; null when it is not of this form. */
export function parseCdiName(text: string): { readonly kind: string; readonly name: string } | null {
  const equals = text.indexOf('=')
  const [kind, name] = [text.slice(0, equals), text.slice(equals + 1)]
  return equals > 0 && KIND.test(kind) && DEVICE_NAME.test(name) ? { kind, name } : null
}

/**
 * Reads a specification, JSON or YAML.
 * @throws InvalidArgumentError naming what is wrong with it
 */
export function parseCdiSpec(text: string): CdiSpec {
  const fail = (detail: string): never => {
    throw new InvalidArgumentError(`invalid CDI specification: ${detail}`)
  }
  let spec: Partial<CdiSpec> | null
  try {
    spec = parse(text, { maxAliasCount: 100 }) as Partial<CdiSpec> | null
  } catch (error) {
    return fail(messageOf(error))
  }
  const { kind, devices } = spec ?? {}
  if (typeof kind !== 'string' || !KIND.test(kind)) return fail(`kind ${JSON.stringify(kind)}`)
  if (!Array.isArray(devices) || devices.length === 0) return fail('no devices')
  for (const device of devices as CdiSpec['devices']) {
    if (typeof device?.name !== 'string' || !DEVICE_NAME.test(device.name))
      return fail(`device name ${JSON.stringify(device?.name)}`)
    checkEdits(device.containerEdits ?? {}, fail)
  }
  checkEdits(spec?.containerEdits ?? {}, fail)
  return { kind, devices: devices as CdiSpec['devices'], containerEdits: spec?.containerEdits ?? null }
}

function checkEdits(edits: CdiEdits, fail: (detail: string) => never): void {
  for (const node of edits.deviceNodes ?? []) if (!isPath(node?.path)) fail('a device node without a path')
  for (const mount of edits.mounts ?? []) {
    if (!isPath(mount?.hostPath) || !isPath(mount.containerPath)) fail('a mount without its paths')
  }
  for (const hook of edits.hooks ?? []) {
    if (!HOOK_NAMES.has(hook?.hookName) || !isPath(hook.path)) fail(`hook ${JSON.stringify(hook?.hookName)}`)
  }
  for (const entry of edits.env ?? [])
    if (typeof entry !== 'string' || !entry.includes('=')) fail('a variable without =')
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && path.startsWith('/')
}
