import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from './oci-engines.ts'
import type { OciSeccomp, OciSpec } from './spec/oci-spec.ts'

/** crun's annotation for a filter that is compiled already (crun(1), "run.oci.seccomp_bpf_data"). */
const ANNOTATION = 'run.oci.seccomp_bpf_data'

/**
 * Compiled seccomp filters. libseccomp takes 20 ms to compile Docker's profile, more than all else that makes a
 * container: what crun compiled for one container is handed to it for the next ones with the same rules. Kept in the exec
 * root, so that it does not outlive a boot, and by the crun that made it.
 */
export class SeccompCache {
  readonly #directory: string
  readonly #filters = new Map<string, string>()
  readonly #keys = new WeakMap<OciSeccomp, string>()

  constructor(directory: string) {
    this.#directory = directory
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  }

  /** The spec with its filter compiled, if this runtime takes one and it is known; else as it is. */
  apply(spec: OciSpec, engine: Engine): OciSpec {
    const key = this.#keyOf(spec, engine)
    const filter = key === null ? null : this.#lookUp(key)
    const { seccomp } = spec.linux
    if (filter === null || seccomp === undefined) return spec
    return {
      ...spec,
      annotations: { ...spec.annotations, [ANNOTATION]: filter },
      // The rules are in the filter: without them there is less for the runtime to parse.
      linux: { ...spec.linux, seccomp: { ...seccomp, syscalls: [] } },
    }
  }

  /** Keeps the filter that the runtime compiled for a container it has just made. */
  async learn(spec: OciSpec, engine: Engine, stateDirectory: string): Promise<void> {
    const key = this.#keyOf(spec, engine)
    if (key === null || this.#lookUp(key) !== null) return
    const filter = (await readFile(join(stateDirectory, 'seccomp.bpf'))).toString('base64')
    if (filter === '') return
    this.#filters.set(key, filter)
    const file = join(this.#directory, key)
    await writeFile(`${file}.new`, filter, { mode: 0o600 })
    await rename(`${file}.new`, file)
  }

  #lookUp(key: string): string | null {
    const known = this.#filters.get(key)
    if (known !== undefined) return known
    try {
      const filter = readFileSync(join(this.#directory, key), 'latin1')
      this.#filters.set(key, filter)
      return filter
    } catch {
      return null
    }
  }

  /** Null for a runtime that compiles itself, and for a filter with a listener, which is more than a program. */
  #keyOf(spec: OciSpec, engine: Engine): string | null {
    const { seccomp } = spec.linux
    if (engine.waits !== 'reads-fifo' || seccomp === undefined || seccomp.listenerPath !== undefined)
      return null
    const known = this.#keys.get(seccomp)
    if (known !== undefined) return known
    const { mtimeMs, size, ino } = statSync(engine.path)
    const content = JSON.stringify([engine.path, mtimeMs, size, ino, seccomp])
    const key = createHash('sha256').update(content).digest('hex')
    this.#keys.set(seccomp, key)
    return key
  }
}
