/**
 * Makes the image `busybox` from the machine's own busybox-static, as an archive for `docker load`:
 * `node packaging/busybox-image.ts FILE`. The same busybox gives the same bytes.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const busybox = '/bin/busybox'
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

/** Writes the archive to a file, which appears whole or not at all. */
export function writeBusyboxArchive(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'wharf-busybox-'))
  try {
    mkdirSync(join(work, 'image'))
    tar(rootFileSystem(join(work, 'root')), join(work, 'image/layer.tar'))
    writeImageFiles(join(work, 'image'))
    tar(join(work, 'image'), `${file}.${process.pid}`)
    renameSync(`${file}.${process.pid}`, file)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function rootFileSystem(root: string): string {
  for (const name of [
    'bin',
    'etc',
    'root',
    'tmp',
    'var/www',
    'home',
    'usr/bin',
    'usr/sbin',
    'dev',
    'proc',
    'sys',
  ]) {
    mkdirSync(join(root, name), { recursive: true, mode: 0o755 })
  }
  chmodSync(join(root, 'tmp'), 0o1777)
  chmodSync(join(root, 'root'), 0o700)
  copyFileSync(busybox, join(root, 'bin/busybox'))
  chmodSync(join(root, 'bin/busybox'), 0o755)
  const applets = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const applet of applets.filter((name) => name !== 'busybox'))
    symlinkSync('busybox', join(root, 'bin', applet))
  symlinkSync('bin', join(root, 'sbin'))
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/var/www:/bin/false\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
  )
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\ntty:x:5:\nwww-data:x:33:\nnogroup:x:65534:\n')
  return root
}

function writeImageFiles(directory: string): void {
  const diffId = sha256(readFileSync(join(directory, 'layer.tar')))
  const config = JSON.stringify({
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    created: '1970-01-01T00:00:01Z',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] },
    history: [{ created: '1970-01-01T00:00:01Z', created_by: 'busybox-static' }],
    rootfs: { type: 'layers', diff_ids: [`sha256:${diffId}`] },
  })
  const name = `${sha256(Buffer.from(config))}.json`
  writeFileSync(join(directory, name), config)
  writeFileSync(
    join(directory, 'manifest.json'),
    JSON.stringify([{ Config: name, RepoTags: ['busybox:latest'], Layers: ['layer.tar'] }]),
  )
}

function tar(directory: string, file: string): void {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@1', '--format=pax']
  const noTimes = '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime'
  execFileSync('tar', [...same, noTimes, '-cf', file, '-C', directory, ...readdirSync(directory).sort()])
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

if (import.meta.main) {
  const file = process.argv[2]
  if (file === undefined) throw new Error('usage: busybox-image.ts FILE')
  writeBusyboxArchive(file)
}
