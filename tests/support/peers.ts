/** What is slow to make: roots of Debian, from the machine's own mirror, kept in .cache. The sid root holds the engines of today, to compare with. */
import { existsSync, mkdirSync, readFileSync, rmSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cacheRoot } from './busybox-image.ts'
import { makeMachine } from '../vm/machine.ts'
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
/** A machine that runs containers with systemd and cgroup v2. */
const machinePackages = [
  ...['linux-image-cloud-amd64', 'initramfs-tools', 'systemd', 'systemd-sysv', 'dbus', 'kmod', 'zstd'],
  ...[
    'crun',
    'runc',
    'conmon',
    'iproute2',
    'nftables',
    'busybox-static',
    'catatonit',
    'libatomic1',
    'procps',
    'criu',
    'iptables',
  ],
]
const makeLimitMs = 300_000
/** How long a failure is remembered, so that not every test file waits for the next one. */
const failureKeptMs = 900_000

/** Where it lies, or why it is missing. */
export type Made =
  { readonly path: string; readonly missing: false } | { readonly path: ''; readonly missing: string }

type Recipe = {
  readonly what: string
  /** Below the cache root. */
  readonly name: string
  /** Makes it at the path that is given, which does not exist. */
  readonly make: (path: string) => Promise<{ readonly exitCode: number; readonly stderr: string }>
}

const recipes = {
  sid: {
    what: 'the Debian sid root with dockerd',
    name: 'peers/sid',
    make: async (path: string) => debian('sid', path, await mirror(), packages),
  },
  nginx: {
    what: 'the Debian root with nginx',
    name: 'images/nginx.tar',
    make: async (path: string) => debian(await codename(), path, await mirror(), ['nginx-light']),
  },
  vm: {
    what: 'the disk of the virtual machine',
    name: 'vm',
    make: async (path: string) =>
      makeMachine(path, async (root) => debian(await codename(), root, await mirror(), machinePackages)),
  },
} satisfies Readonly<Record<string, Recipe>>

export type RecipeName = keyof typeof recipes

/** Looks whether a thing is there without making it. */
export function made(name: RecipeName): Made {
  const { what, name: place } = recipes[name]
  if (existsSync(`${cacheRoot}/${place}`)) return { path: `${cacheRoot}/${place}`, missing: false }
  return { path: '', missing: `${what} could not be made` }
}

/** Makes a thing if it is missing; never throws. One process at a time makes it, others wait for it. */
export async function make(name: RecipeName): Promise<Made> {
  if (made(name).missing === false) return made(name)
  mkdirSync(`${cacheRoot}/peers`, { recursive: true })
  mkdirSync(`${cacheRoot}/images`, { recursive: true })
  const self = fileURLToPath(import.meta.url)
  const lock = `${cacheRoot}/peers/${name}.lock`
  await run(['flock', lock, process.execPath, '--disable-warning=ExperimentalWarning', self, name], {
    timeoutMs: makeLimitMs + 30_000,
  })
  const result = made(name)
  if (result.missing !== false) console.log(`${result.missing}: ${failure(name)}`)
  return result
}

async function makeLocked(name: RecipeName): Promise<void> {
  const failed = statSync(failureFile(name), { throwIfNoEntry: false })
  const recent = failed !== undefined && Date.now() - failed.mtimeMs < failureKeptMs
  if (made(name).missing === false || recent) return
  const place = `${cacheRoot}/${recipes[name].name}`
  // The ending tells mmdebstrap what to make.
  const half = place.replace(/(\.tar)?$/, '.half$1')
  rmSync(half, { recursive: true, force: true })
  const result = await recipes[name].make(half)
  if (result.exitCode === 0) renameSync(half, place)
  else {
    rmSync(half, { recursive: true, force: true })
    writeFileSync(failureFile(name), result.stderr)
  }
}

function debian(
  suite: string,
  path: string,
  from: string,
  include: readonly string[],
): ReturnType<typeof run> {
  return run(
    [
      // Its mounts stay its own: a test that runs beside it would take them for leaks.
      ...['unshare', '--mount', '--propagation', 'private'],
      ...['mmdebstrap', '--quiet', '--variant=minbase', `--include=${include.join(',')}`],
      ...['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Retries "5"'],
      ...[suite, path, `deb ${from} ${suite} main`],
    ],
    { timeoutMs: makeLimitMs },
  )
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
  const main = stdout.split('\n').find((line) => / \w+$/.test(line))
  return main?.split(' ')[0] ?? 'no-mirror-in-sources.list'
}

async function codename(): Promise<string> {
  return (await run(['sh', '-c', '. /etc/os-release; echo "$VERSION_CODENAME"'])).stdout.trim()
}

function failureFile(name: RecipeName): string {
  return `${cacheRoot}/peers/${name}.failed`
}

function failure(name: RecipeName): string {
  return existsSync(failureFile(name)) ? readFileSync(failureFile(name), 'utf8').slice(-2000) : ''
}

if (import.meta.main) await makeLocked(process.argv[2] as RecipeName)
