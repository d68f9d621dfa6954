import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { FlagValueError } from '../core/flag.ts'
import { folderTar } from './context.ts'
import { layoutTar } from './oci-layout.ts'

/** The contexts of `--build-context`: what the daemon is told, and what it may ask for. */
export interface NamedContexts {
  readonly sources: Readonly<Record<string, string>>
  readonly tars: ReadonlyMap<string, () => AsyncIterable<Uint8Array>>
}

const REMOTE = /^(?:docker-image:\/\/|https?:\/\/|git(?:\+\w+)?:\/\/|ssh:\/\/|git@|github\.com\/)/
const LAYOUT = 'oci-layout://'

/** Reads `name=source`: a directory, an OCI layout, an image or a URL. @throws FlagValueError */
export function parseContexts(values: readonly string[]): NamedContexts {
  const sources: Record<string, string> = {}
  const tars = new Map<string, () => AsyncIterable<Uint8Array>>()
  for (const value of values) {
    const equals = value.indexOf('=')
    if (equals < 1) throw new FlagValueError(`invalid context value: ${value}, expected key=value`)
    const name = value.slice(0, equals).toLowerCase()
    const source = value.slice(equals + 1)
    sources[name] = source
    if (REMOTE.test(source)) continue
    if (source.startsWith(LAYOUT)) {
      const layout = parseLayout(source.slice(LAYOUT.length))
      requireDirectory(name, layout.path)
      tars.set(name, layoutTar(layout))
      continue
    }
    requireDirectory(name, source)
    sources[name] = 'local'
    tars.set(name, () => folderTar(resolve(source)))
  }
  return { sources, tars }
}

/** `path`, `path:tag` or `path@sha256:…`. */
function parseLayout(text: string): { readonly path: string; readonly wanted: string | null } {
  const match = /^(.*?)(?:@(sha256:[0-9a-f]{64})|:([\w][\w.-]{0,127}))?$/.exec(text) as RegExpExecArray
  return { path: match[1] as string, wanted: match[2] ?? match[3] ?? null }
}

function requireDirectory(name: string, path: string): void {
  if (!existsSync(path) || !statSync(path).isDirectory())
    throw new FlagValueError(`failed to get build context ${name}: stat ${path}: no such file or directory`)
}
