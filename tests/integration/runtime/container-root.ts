import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '#base/ids.ts'
import { openCgroups } from '#kernel/cgroups/open-cgroups.ts'
import { openRuntime, type RuntimeOptions } from '#runtime/oci-runtime.ts'
import type { CreateRequest, NamespaceChoices, Runtime } from '#runtime/runtime.ts'
import type { ContainerConfig } from '#spec/docker/container-config.ts'
import type { HostConfig } from '#spec/docker/host-config.ts'

const PRIVATE = { kind: 'private' } as const
export const privateNamespaces: NamespaceChoices = {
  network: PRIVATE,
  ipc: PRIVATE,
  pid: PRIVATE,
  uts: PRIVATE,
  cgroup: { kind: 'host' },
  user: null,
}

/** A runtime in a directory of its own, and a root with busybox for its containers. */
export class RuntimeFixture implements AsyncDisposable {
  readonly directory: string
  readonly rootfs: string
  readonly #cgroupParent: string
  readonly #options: Partial<RuntimeOptions>
  readonly #ids = new Set<string>()
  runtime: Runtime

  constructor(options: Partial<RuntimeOptions> = {}) {
    this.#options = options
    this.directory = mkdtempSync(join(tmpdir(), 'wharf-runtime-'))
    this.#cgroupParent = `/wharf-test-${newId().slice(0, 12)}`
    this.rootfs = join(this.directory, 'root')
    for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp'])
      mkdirSync(join(this.rootfs, name), { recursive: true })
    copyFileSync('/bin/busybox', join(this.rootfs, 'bin/busybox'))
    for (const applet of [
      'sh',
      'cat',
      'echo',
      'id',
      'sleep',
      'stty',
      'true',
      'ls',
      'tail',
      'grep',
      'mount',
      'ip',
      'head',
      'wc',
      'dd',
      'env',
      'hostname',
      'pwd',
      'kill',
      'tr',
    ]) {
      symlinkSync('busybox', join(this.rootfs, 'bin', applet))
    }
    writeFileSync(
      join(this.rootfs, 'etc/passwd'),
      'root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n',
    )
    writeFileSync(join(this.rootfs, 'etc/group'), 'root:x:0:\nann:x:1000:\nwheel:x:10:root,ann\n')
    this.runtime = this.#open()
  }

  /** Forgets the runtime as a crash would, and opens another on the same state. */
  reopen(): void {
    this.runtime.close()
    this.runtime = this.#open()
  }

  request(
    args: readonly string[],
    change: { config?: ContainerConfig; hostConfig?: HostConfig } & Partial<CreateRequest> = {},
  ): CreateRequest {
    const { config, hostConfig, ...rest } = change
    const id = newId()
    this.#ids.add(id)
    return {
      id,
      runtime: null,
      rootfs: this.rootfs,
      args,
      config: { Env: [], ...config },
      hostConfig: { ...hostConfig },
      hostname: 'box',
      mounts: [],
      namespaces: privateNamespaces,
      shmPath: null,
      logPath: join(this.directory, `${id}.log`),
      ...rest,
    }
  }

  /** Runs a container to its end: what it printed, and how it ended. */
  async run(
    request: CreateRequest,
    options: { stdin?: string } = {},
  ): Promise<{ stdout: string; stderr: string; exitCode: number; oomKilled: boolean }> {
    await this.runtime.create(request)
    using attachment = await this.runtime.attach(request.id)
    await this.runtime.start(request.id)
    if (options.stdin !== undefined)
      void attachment.write(Buffer.from(options.stdin)).then(() => attachment.endStdin())
    const output = { stdout: '', stderr: '' }
    for await (const chunk of attachment.output) output[chunk.stream] += chunk.bytes.toString()
    const { exitCode, oomKilled } = await this.runtime.exit(request.id)
    await this.runtime.delete(request.id)
    return { ...output, exitCode, oomKilled }
  }

  #open(): Runtime {
    return openRuntime({
      root: join(this.directory, 'run'),
      cgroups: openCgroups(),
      cgroupParent: this.#cgroupParent,
      ...this.#options,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#ids) await this.runtime.delete(id)
    await this.runtime.sweep()
    this.runtime.close()
    await openCgroups().group(this.#cgroupParent).remove()
    rmSync(this.directory, { recursive: true, force: true })
  }
}
