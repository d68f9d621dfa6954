import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidArgumentError } from '#errors/errors.ts'
import type { DeviceRequest } from '#spec/docker/host-config.ts'
import { parseCdiName, parseCdiSpec, type CdiEdits, type CdiSpec } from './cdi-spec.ts'

/** Where vendors put their files; a device in a later directory replaces one of an earlier. */
export const CDI_DIRECTORIES: readonly string[] = ['/etc/cdi', '/var/run/cdi']

const NVIDIA_KIND = 'nvidia.com/gpu'

/**
 * The edits of all devices that a container asks for (`--device vendor.com/class=name`, `--gpus`). Files are read now:
 * drivers write them anew when hardware changes.
 * @throws InvalidArgumentError in dockerd's words for what cannot be had
 */
export function requestedEdits(
  requests: readonly DeviceRequest[],
  directories: readonly string[] = CDI_DIRECTORIES,
): readonly CdiEdits[] {
  if (requests.length === 0) return []
  const specs = readSpecs(directories)
  const names = requests.flatMap((request) => deviceNames(request, specs))
  const missing = names.filter((name) => findDevice(name, specs) === null)
  if (missing.length > 0) {
    throw new InvalidArgumentError(
      `CDI device injection failed: unresolvable CDI devices ${missing.join(', ')}`,
    )
  }
  const edits: CdiEdits[] = []
  const used = new Set<CdiSpec>()
  for (const name of new Set(names)) {
    const { spec, device } = findDevice(name, specs) as FoundDevice
    if (!used.has(spec) && spec.containerEdits) edits.push(spec.containerEdits)
    used.add(spec)
    if (device.containerEdits) edits.push(device.containerEdits)
  }
  return edits
}

interface FoundDevice {
  readonly spec: CdiSpec
  readonly device: CdiSpec['devices'][number]
}

/** A request for GPUs by number is one for devices of NVIDIA's kind, when its driver has described them. */
function deviceNames(request: DeviceRequest, specs: readonly CdiSpec[]): readonly string[] {
  const driver = request.Driver ?? ''
  const capabilities = request.Capabilities ?? []
  if (driver === 'cdi') return request.DeviceIDs ?? []
  const wantsGpu = capabilities.some((set) => set.includes('gpu'))
  if (wantsGpu && (driver === '' || driver === 'nvidia') && specs.some((spec) => spec.kind === NVIDIA_KIND)) {
    const ids = request.DeviceIDs ?? []
    if (ids.length > 0) return ids.map((id) => `${NVIDIA_KIND}=${id}`)
    const count = request.Count ?? 0
    if (count < 0) return [`${NVIDIA_KIND}=all`]
    return Array.from({ length: count }, (_, index) => `${NVIDIA_KIND}=${String(index)}`)
  }
  const text = `[${capabilities.map((set) => `[${set.join(' ')}]`).join(' ')}]`
  throw new InvalidArgumentError(
    `could not select device driver ${JSON.stringify(driver)} with capabilities: ${text}`,
  )
}

function findDevice(text: string, specs: readonly CdiSpec[]): FoundDevice | null {
  const wanted = parseCdiName(text)
  if (wanted === null) return null
  for (const spec of specs.toReversed()) {
    const device =
      spec.kind === wanted.kind ? spec.devices.find((entry) => entry.name === wanted.name) : undefined
    if (device !== undefined) return { spec, device }
  }
  return null
}

/** A file that cannot be read or understood is as if it were not there: one vendor's mistake is not another's. */
function readSpecs(directories: readonly string[]): readonly CdiSpec[] {
  return directories.flatMap((directory) =>
    listFiles(directory).flatMap((name) => {
      try {
        return [parseCdiSpec(readFileSync(join(directory, name), 'utf8'))]
      } catch {
        return []
      }
    }),
  )
}

function listFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(json|ya?ml)$/.test(name))
      .toSorted()
  } catch {
    return []
  }
}
