import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { cacheRoot } from '../../tests/support/busybox-image.ts'
import { scratchRoot } from '../../tests/support/scratch.ts'
import { timed, type Subject } from '../measure.ts'

const layers = 10
const filesPerLayer = 1_500
const archive = `${cacheRoot}/images/bench-${layers}x${filesPerLayer}.tar`

/** An archive of an image with many small files, half of whose bytes compress. */
function makeArchive(): string {
  if (existsSync(archive)) return archive
  const work = `${scratchRoot}/bench-image`
  mkdirSync(`${work}/image`, { recursive: true })
  const diffIds = Array.from({ length: layers }, (_, layer) => {
    const root = `${work}/layer${layer}`
    for (let file = 0; file < filesPerLayer; file += 1) {
      const directory = `${root}/data/${layer}/${file % 50}`
      mkdirSync(directory, { recursive: true })
      writeFileSync(
        `${directory}/f${file}`,
        Buffer.concat([randomBytes(5_000), Buffer.alloc(5_000, `text of ${file} `)]),
      )
    }
    execFileSync('tar', ['-cf', `${work}/image/${layer}.tar`, '--owner=0', '--group=0', '-C', root, '.'])
    rmSync(root, { recursive: true })
    return `sha256:${createHash('sha256')
      .update(readFileSync(`${work}/image/${layer}.tar`))
      .digest('hex')}`
  })
  writeImage(`${work}/image`, diffIds)
  mkdirSync(`${cacheRoot}/images`, { recursive: true })
  execFileSync('tar', ['-cf', `${archive}.half`, '-C', `${work}/image`, '.'])
  renameSync(`${archive}.half`, archive)
  rmSync(work, { recursive: true })
  return archive
}

function writeImage(directory: string, diffIds: readonly string[]): void {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const config = {
    architecture,
    os: 'linux',
    config: { Cmd: ['true'] },
    rootfs: { type: 'layers', diff_ids: diffIds },
  }
  const names = diffIds.map((_, layer) => `${layer}.tar`)
  writeFileSync(`${directory}/config.json`, JSON.stringify(config))
  writeFileSync(
    `${directory}/manifest.json`,
    JSON.stringify([{ Config: 'config.json', RepoTags: ['bench:1'], Layers: names }]),
  )
}

/** An image of 150 MB and 15,000 files: in, out and away. */
export const imageCases: readonly Subject[] = [
  {
    name: 'load, 150 MB in 10 layers',
    unit: 'ms',
    rounds: 1,
    once: (engine) => timed(() => engine.ok('load', '-i', makeArchive())),
  },
  {
    name: 'save of it',
    unit: 'ms',
    rounds: 1,
    once: (engine) => timed(() => engine.ok('save', '-o', `${scratchRoot}/saved.tar`, 'bench:1')),
  },
  { name: 'rmi of it', unit: 'ms', rounds: 1, once: (engine) => timed(() => engine.ok('rmi', 'bench:1')) },
]
