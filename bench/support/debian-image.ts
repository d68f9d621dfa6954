import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { cacheRoot } from '../../tests/support/busybox-image.ts'
import { make } from '../../tests/support/peers.ts'

export const LAYERS = 20
const FILES_PER_LAYER = 1_500
/** Larger files are left out: 30,000 of the rest are 500 MB. */
const LARGEST_FILE_BYTES = 400_000
const busybox = '/bin/busybox'
/** How many small images there are beside the large one, of two of its layers each. */
export const SMALL_IMAGES = 10

interface Blob {
  readonly digest: string
  readonly size: number
}
interface Layer extends Blob {
  readonly diffId: string
}

/**
 * Makes an OCI layout of an image of 500 MB, 20 layers and 30,000 files out of Debian packages (`big`), and of small ones that share
 * its layers (`small0` …); kept in the cache. Returns its directory, or null when there are no packages to make it of.
 */
export async function debianImages(): Promise<string | null> {
  const layout = `${cacheRoot}/images/bench-debian-${LAYERS}x${FILES_PER_LAYER}`
  if (existsSync(layout)) return layout
  const { path: root, missing } = await make('sid')
  if (missing !== false) return null
  const half = `${layout}.half`
  rmSync(half, { recursive: true, force: true })
  mkdirSync(`${half}/blobs/sha256`, { recursive: true })
  const files = packagedFiles(root)
  const layers = Array.from({ length: LAYERS }, (_, number) => {
    const names = Array.from(
      { length: FILES_PER_LAYER },
      (_, index) => files[(number * FILES_PER_LAYER + index) % files.length] as string,
    )
    return addLayer(half, { root, names, prefix: `data/${String(number)}` })
  })
  const manifests = [
    image(half, { name: 'big', layers }),
    ...Array.from({ length: SMALL_IMAGES }, (_, index) =>
      image(half, { name: `small${String(index)}`, layers: layers.slice(2 * index, 2 * index + 2) }),
    ),
  ]
  writeFileSync(`${half}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(`${half}/index.json`, JSON.stringify({ schemaVersion: 2, manifests }))
  renameSync(half, layout)
  return layout
}

function packagedFiles(root: string): readonly string[] {
  return readdirSync(join(root, 'usr'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size < LARGEST_FILE_BYTES)
    .map((path) => path.slice(root.length + 1))
    .sort()
}

function addLayer(
  layout: string,
  { root, names, prefix }: { root: string; names: readonly string[]; prefix: string },
): Layer {
  const archive = `${layout}/layer.tar`
  execFileSync(
    'tar',
    ['-cf', archive, '-C', root, '--no-recursion', `--transform=s,^,${prefix}/,S`, '-T', '-'],
    { input: names.join('\n') },
  )
  // Every layer brings what runs: so every image can.
  execFileSync('tar', ['-rf', archive, '-C', dirname(busybox), '--transform=s,^,bin/,', basename(busybox)])
  const tar = readFileSync(archive)
  rmSync(archive)
  return { ...addBlob(layout, gzipSync(tar)), diffId: digestOf(tar) }
}

function image(
  layout: string,
  { name, layers }: { name: string; layers: readonly Layer[] },
): Record<string, unknown> {
  const config = addBlob(
    layout,
    Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Cmd: ['/bin/busybox', 'true'] },
        rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      }),
    ),
  )
  const type = 'application/vnd.oci.image'
  const manifest = addBlob(
    layout,
    Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: `${type}.manifest.v1+json`,
        config: { mediaType: `${type}.config.v1+json`, ...config },
        layers: layers.map(({ digest, size }) => ({
          mediaType: `${type}.layer.v1.tar+gzip`,
          digest,
          size,
        })),
      }),
    ),
  )
  return {
    mediaType: `${type}.manifest.v1+json`,
    ...manifest,
    annotations: { 'org.opencontainers.image.ref.name': name },
  }
}

function addBlob(layout: string, bytes: Buffer): Blob {
  const digest = digestOf(bytes)
  writeFileSync(`${layout}/blobs/${digest.replace(':', '/')}`, bytes)
  return { digest, size: bytes.length }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
