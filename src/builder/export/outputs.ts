import { InvalidArgumentError } from '#errors/errors.ts'
import { parseReference, type Reference, withDefaultTag } from '#spec/reference.ts'

/** What is to become of the result of a build (BuildKit's exporters). */
export type BuildOutput =
  | {
      /** Into the image store, and perhaps on to a registry. */
      readonly kind: 'image'
      readonly names: readonly Reference[]
      readonly push: boolean
      readonly store: boolean
      readonly shape: ImageShape
    }
  | {
      /** An archive, or the files of one, at the client's. */
      readonly kind: 'archive'
      readonly form: 'oci' | 'docker'
      readonly names: readonly Reference[]
      readonly shape: ImageShape
      readonly sink: string
    }
  | {
      /** The files of the image, at the client's. */
      readonly kind: 'files'
      readonly form: 'local' | 'tar'
      readonly platformSplit: boolean | null
      readonly sink: string
    }
  /** Only the cache is filled. */
  | { readonly kind: 'none' }

/** How the manifests of an image look. */
export interface ImageShape {
  readonly compression: 'gzip' | 'uncompressed'
  /** By the manifests that they are for (`annotation[index].…` is not among them). */
  readonly annotations: Readonly<Record<string, string>>
}

interface Given {
  readonly type: string
  readonly attributes: ReadonlyMap<string, string>
  readonly sink: string
}

/**
 * Reads the `outputs` of a build. `tags` name the images of outputs that say no name.
 * @throws InvalidArgumentError
 */
export function parseOutputs(
  outputs: readonly unknown[],
  tags: readonly Reference[],
): readonly BuildOutput[] {
  return outputs.map((output, index) => parseOutput(given(output, String(index)), tags))
}

function given(output: unknown, sink: string): Given {
  const value = output as { readonly Type?: unknown; readonly Attrs?: unknown } | null
  if (typeof value !== 'object' || value === null || typeof value.Type !== 'string')
    throw new InvalidArgumentError(`invalid build output ${JSON.stringify(output)}`)
  const attributes = new Map<string, string>()
  for (const [name, text] of Object.entries(value.Attrs ?? {})) {
    if (typeof text !== 'string')
      throw new InvalidArgumentError(`the attribute ${JSON.stringify(name)} of an output is no string`)
    attributes.set(name.toLowerCase(), text)
  }
  return { type: value.Type, attributes, sink }
}

const KNOWN: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    image: ['name', 'push', 'store', 'unpack', 'push-by-digest', 'insecure'],
    registry: ['name', 'push', 'store', 'unpack', 'push-by-digest', 'insecure'],
    oci: ['name', 'tar'],
    docker: ['name', 'tar', 'context'],
    local: ['platform-split'],
    tar: ['platform-split'],
    cacheonly: [],
  }),
)
const SHAPE: readonly string[] = ['compression', 'compression-level', 'force-compression', 'oci-mediatypes']

function parseOutput(output: Given, tags: readonly Reference[]): BuildOutput {
  const { type, attributes, sink } = output
  const known = KNOWN.get(type)
  if (known === undefined)
    throw new InvalidArgumentError(`exporter ${JSON.stringify(type)} could not be found`)
  const isImage = type !== 'local' && type !== 'tar' && type !== 'cacheonly'
  for (const name of attributes.keys()) {
    const isShape = isImage && (SHAPE.includes(name) || name.startsWith('annotation.'))
    if (name !== 'dest' && !known.includes(name) && !isShape)
      throw new InvalidArgumentError(`unknown attribute "${name}" of output type=${type}`)
  }
  switch (type) {
    case 'cacheonly':
      return { kind: 'none' }
    case 'local':
    case 'tar': {
      const split = attributes.has('platform-split') ? isOn(output, 'platform-split', true) : null
      return { kind: 'files', form: type, platformSplit: split, sink }
    }
    case 'oci':
    case 'docker':
      if (type === 'docker' && !attributes.has('dest'))
        return {
          kind: 'image',
          names: namesOf(output, tags),
          push: false,
          store: true,
          shape: shapeOf(output),
        }
      return { kind: 'archive', form: type, names: namesOf(output, tags), shape: shapeOf(output), sink }
    default: {
      for (const name of ['push-by-digest', 'insecure'])
        if (isOn(output, name, false))
          throw new InvalidArgumentError(`attribute "${name}" of output type=${type} is not supported`)
      const push = isOn(output, 'push', type === 'registry')
      const names = namesOf(output, tags)
      if (push && names.length === 0) throw new InvalidArgumentError('tag is needed when pushing to registry')
      return { kind: 'image', names, push, store: true, shape: shapeOf(output) }
    }
  }
}

function namesOf({ attributes }: Given, tags: readonly Reference[]): readonly Reference[] {
  const text = attributes.get('name') ?? ''
  if (text === '') return tags
  return text.split(',').map((name) => withDefaultTag(parseReference(name.trim())))
}

function shapeOf({ type, attributes }: Given): ImageShape {
  const compression = attributes.get('compression') ?? 'gzip'
  if (compression !== 'gzip' && compression !== 'uncompressed')
    throw new InvalidArgumentError(
      `unsupported layer compression type ${compression} of output type=${type}: use gzip or uncompressed`,
    )
  const annotations: Record<string, string> = {}
  for (const [name, value] of attributes)
    if (name.startsWith('annotation.')) annotations[name.slice('annotation.'.length)] = value
  return { compression, annotations }
}

function isOn({ attributes }: Given, name: string, fallback: boolean): boolean {
  const text = attributes.get(name)
  if (text === undefined) return fallback
  if (text === 'true' || text === '1' || text === '') return true
  if (text === 'false' || text === '0') return false
  throw new InvalidArgumentError(`non-bool value specified for ${name}: ${JSON.stringify(text)}`)
}
