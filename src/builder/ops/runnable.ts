import { readdir, readFile } from 'node:fs/promises'
import { InvalidArgumentError } from '#errors/errors.ts'
import { type BuildPlatform, platformText } from '../state.ts'

const HANDLERS = '/proc/sys/fs/binfmt_misc'

/** How QEMU's handlers name the architectures of OCI. */
const QEMU_NAMES: Readonly<Record<string, string>> = {
  amd64: 'qemu-x86_64',
  arm64: 'qemu-aarch64',
  arm: 'qemu-arm',
  386: 'qemu-i386',
  ppc64le: 'qemu-ppc64le',
  s390x: 'qemu-s390x',
  riscv64: 'qemu-riscv64',
}

/** Architectures whose programs another one runs by itself. */
const COMPATIBLE: Readonly<Record<string, readonly string[]>> = { amd64: ['386'], arm64: ['arm'] }

/**
 * Checks that commands of a platform can run here: natively, or through a binfmt_misc handler of the host.
 * @throws InvalidArgumentError that says what is missing
 */
export async function requireRunnable(platform: BuildPlatform, host: BuildPlatform): Promise<void> {
  const { architecture } = platform
  if (architecture === host.architecture || COMPATIBLE[host.architecture]?.includes(architecture)) return
  const name = QEMU_NAMES[architecture]
  const handlers: readonly string[] = await readdir(HANDLERS).catch(() => [])
  if (name !== undefined && handlers.includes(name)) {
    const state = await readFile(`${HANDLERS}/${name}`, 'utf8')
    if (state.startsWith('enabled')) return
  }
  throw new InvalidArgumentError(
    `cannot run commands of ${platformText(platform)} on ${platformText(host)}: no binfmt_misc handler for ${architecture} is registered: install qemu-user-static`,
  )
}
