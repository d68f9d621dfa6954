import { isDigest } from '#base/digest.ts'
import { InvalidArgumentError, messageOf } from '#errors/errors.ts'
import type { OciDescriptor, OciImageConfig, OciIndex, OciManifest } from './image.ts'

/**
 * Checks of documents that a registry or an archive gave. They look at every field that Wharf relies on and leave
 * the rest alone; the bytes themselves are what is stored and passed on.
 */

/** The largest manifest or index (as the reference registry and Docker). Bytes. */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** The largest image configuration. Bytes. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024
/** The deepest image: the kernel stacks 500 layers, one of which is ours (fs/overlayfs/params.h). Docker refuses more than 125. */
export const MAX_LAYERS = 499
/** More images than this in one index are no image any more but an attack. */
const MAX_INDEX_ENTRIES = 2000

type Json = Readonly<Record<string, unknown>>

/** @throws InvalidArgumentError when the bytes are no image manifest (OCI or Docker schema 2). */
export function parseManifest(bytes: Uint8Array): OciManifest {
  const manifest = parseObject(bytes, 'manifest', MAX_MANIFEST_BYTES)
  if (manifest['schemaVersion'] !== 2) throw invalid('manifest: unsupported schema version')
  checkDescriptor(manifest['config'], 'manifest config')
  for (const layer of arrayOf(manifest['layers'], 'manifest layers')) checkDescriptor(layer, 'manifest layer')
  const result = manifest as unknown as OciManifest
  if (result.layers.length > MAX_LAYERS) throw invalid('max depth exceeded')
  return result
}

/** @throws InvalidArgumentError when the bytes are no index (OCI) or manifest list (Docker). */
export function parseIndex(bytes: Uint8Array): OciIndex {
  const index = parseObject(bytes, 'index', MAX_MANIFEST_BYTES)
  const entries = arrayOf(index['manifests'], 'index manifests')
  if (entries.length > MAX_INDEX_ENTRIES) throw invalid(`index: more than ${MAX_INDEX_ENTRIES} manifests`)
  for (const entry of entries) {
    const { platform } = checkDescriptor(entry, 'index manifest')
    if (platform === undefined) continue
    const fields = objectOf(platform, 'platform')
    for (const name of ['os', 'architecture']) stringOf(fields[name], `platform ${name}`)
    optionalString(fields['variant'], 'platform variant')
    optionalString(fields['os.version'], 'platform os.version')
  }
  return index as unknown as OciIndex
}

/** @throws InvalidArgumentError when the bytes are no image configuration that a container could be made from. */
export function parseImageConfig(bytes: Uint8Array): OciImageConfig {
  const config = parseObject(bytes, 'image configuration', MAX_CONFIG_BYTES)
  const rootfs = objectOf(config['rootfs'], 'image configuration: rootfs')
  const diffIds = rootfs['diff_ids'] == null ? [] : arrayOf(rootfs['diff_ids'], 'rootfs.diff_ids')
  for (const diffId of diffIds) {
    if (typeof diffId !== 'string' || !isDigest(diffId)) throw invalid('image configuration: invalid diff_id')
  }
  if (diffIds.length > MAX_LAYERS) throw invalid('max depth exceeded')
  for (const name of ['architecture', 'os', 'variant', 'created', 'author', 'comment', 'os.version']) {
    optionalString(config[name], `image configuration: ${name}`)
  }
  if (config['history'] != null) {
    for (const step of arrayOf(config['history'], 'image configuration: history')) {
      const fields = objectOf(step, 'image configuration: history')
      for (const name of ['created', 'created_by', 'author', 'comment'])
        optionalString(fields[name], `history ${name}`)
    }
  }
  if (config['config'] != null) checkRunConfig(objectOf(config['config'], 'image configuration: config'))
  return {
    ...config,
    os: config['os'] ?? '',
    architecture: config['architecture'] ?? '',
    rootfs: { type: 'layers', diff_ids: diffIds },
  } as unknown as OciImageConfig
}

/** What containers read without looking: strings must be strings, lists lists of strings, maps maps. */
function checkRunConfig(config: Json): void {
  for (const name of ['User', 'WorkingDir', 'StopSignal', 'Hostname'])
    optionalString(config[name], `config.${name}`)
  for (const name of ['Env', 'Cmd', 'Entrypoint', 'OnBuild', 'Shell']) {
    if (config[name] == null) continue
    for (const value of arrayOf(config[name], `config.${name}`)) stringOf(value, `config.${name}`)
  }
  for (const name of ['Labels', 'Volumes', 'ExposedPorts', 'Healthcheck']) {
    if (config[name] != null) objectOf(config[name], `config.${name}`)
  }
  for (const value of Object.values((config['Labels'] ?? {}) as Json)) stringOf(value, 'config.Labels')
}

function checkDescriptor(value: unknown, what: string): OciDescriptor {
  const fields = objectOf(value, what)
  stringOf(fields['mediaType'], `${what}: mediaType`)
  if (typeof fields['digest'] !== 'string' || !isDigest(fields['digest']))
    throw invalid(`${what}: invalid digest`)
  const size = fields['size']
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`${what}: invalid size`)
  if (fields['urls'] != null) {
    for (const url of arrayOf(fields['urls'], `${what}: urls`)) stringOf(url, `${what}: urls`)
  }
  return fields as unknown as OciDescriptor
}

function parseObject(bytes: Uint8Array, what: string, maxBytes: number): Json {
  if (bytes.byteLength > maxBytes) throw invalid(`${what} has more than ${maxBytes} bytes`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new InvalidArgumentError(`invalid ${what}: ${messageOf(error)}`, { cause: error })
  }
  return objectOf(value, what)
}

function objectOf(value: unknown, what: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} is no object`)
  return value as Json
}

function arrayOf(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is no list`)
  return value
}

function stringOf(value: unknown, what: string): void {
  if (typeof value !== 'string') throw invalid(`${what} is no string`)
}

function optionalString(value: unknown, what: string): void {
  if (value != null) stringOf(value, what)
}

function invalid(message: string): InvalidArgumentError {
  return new InvalidArgumentError(`invalid ${message}`)
}
