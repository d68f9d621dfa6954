/** Roots with the engines of today, to compare with: made from the machine's own Debian mirror, kept in .cache/peers. */
import { existsSync, mkdirSync, readFileSync, rmSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { cacheRoot } from './busybox-image.ts'
import { run } from './engine.ts'

const packages = [
  ...[
    'docker.io',
    'docker-cli',
    'docker-buildx',
    'docker-compose',
    'podman',
    'crun',
    'runc',
    'conmon',
    'netavark',
  ],
  ...['aardvark-dns', 'passt', 'nftables', 'iptables', 'ca-certificates', 'iproute2', 'procps'],
]
const peersRoot = `${cacheRoot}/peers`
const buildLimitMs = 300_000
/** How long a failure to build is remembered, so that not every test file waits for the next one. */
const failureKeptMs = 900_000

/** The path of a Debian sid root, or why there is none. */
export type Peer =
  { readonly root: string; readonly missing: false } | { readonly root: ''; readonly missing: string }

/** Looks for the sid root without building it. */
export function peer(): Peer {
  if (existsSync(`${peersRoot}/sid/usr/sbin/dockerd`)) return { root: `${peersRoot}/sid`, missing: false }
  return { root: '', missing: 'the Debian sid root with dockerd could not be made' }
}

/** Makes the sid root if it is missing; never throws. One process at a time builds, others wait for it. */
export async function buildPeer(): Promise<Peer> {
  if (!peer().missing) return peer()
  mkdirSync(peersRoot, { recursive: true })
  const self = new URL(import.meta.url).pathname
  await run(['flock', `${peersRoot}/lock`, process.execPath, self], { timeoutMs: buildLimitMs + 30_000 })
  return peer()
}

async function buildLocked(): Promise<void> {
  const failure = statSync(`${peersRoot}/sid.failed`, { throwIfNoEntry: false })
  if (!peer().missing || (failure !== undefined && Date.now() - failure.mtimeMs < failureKeptMs)) return
  const half = `${peersRoot}/sid.half`
  rmSync(half, { recursive: true, force: true })
  const result = await run(
    [
      ...['mmdebstrap', '--quiet', '--variant=minbase', `--include=${packages.join(',')}`],
      ...['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Retries "5"'],
      ...['sid', half, `deb ${await mirror()} sid main`],
    ],
    { timeoutMs: buildLimitMs },
  )
  if (result.exitCode === 0) renameSync(half, `${peersRoot}/sid`)
  else {
    rmSync(half, { recursive: true, force: true })
    writeFileSync(`${peersRoot}/sid.failed`, result.stderr)
  }
}

/** The mirror that this machine installs Debian packages from. */
async function mirror(): Promise<string> {
  const { stdout } = await run([
    'apt-get',
    'indextargets',
    '--format',
    '$(REPO_URI) $(CODENAME)',
    'Created-By: Packages',
  ])
  const main = stdout.split('\n').find((line) => line !== '' && !/-(security|updates|backports)$/.test(line))
  return main?.split(' ')[0] ?? 'mirror+file:/etc/apt/mirrors'
}

/** Why the last build failed, for the log of a run; empty when it did not. */
export function buildFailure(): string {
  return existsSync(`${peersRoot}/sid.failed`)
    ? readFileSync(`${peersRoot}/sid.failed`, 'utf8').slice(-2000)
    : ''
}

if (import.meta.main) await buildLocked()
