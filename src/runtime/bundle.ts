import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { IdMap, IdMapping } from '#base/id-map.ts'
import type { OciIdMapping, OciProcess, OciSpec } from './spec/oci-spec.ts'

/** Where the runtime keeps its files: below the exec root, gone after a boot. */
export interface RuntimePaths {
  /** Bundles, by container id. */
  readonly bundles: string
  /** Exit codes as conmon writes them, by container id. */
  readonly exits: string
  /** The OCI runtimes' own state, by runtime name. */
  readonly states: string
  /** conmon's short-lived console sockets. */
  readonly temporary: string
  /** Compiled seccomp filters. */
  readonly filters: string
}

/** Makes the runtime's directories. */
export function openRuntimePaths(root: string): RuntimePaths {
  const at = (name: string): string => join(root, name)
  const paths = {
    bundles: at('bundles'),
    exits: at('exits'),
    states: at('states'),
    temporary: at('tmp'),
    filters: at('seccomp'),
  }
  for (const path of Object.values(paths)) mkdirSync(path, { recursive: true, mode: 0o700 })
  return paths
}

/** What a later daemon must know of a running container; written before conmon is started. */
export interface BundleRecord {
  readonly engine: string
  readonly cgroupPath: string
  /** systemd made the cgroup: it changes and removes it. */
  readonly systemd: boolean
  readonly rootfs: string
  readonly tty: boolean
  readonly stdin: StdinMode
  /** Hooks that the runtime runs in `start` and `delete`: then these must be run. */
  readonly hasLateHooks: boolean
}

/** Whether there is a stdin, and whether the end of a client's stdin is the end of the process'. */
export type StdinMode = 'none' | 'once' | 'kept'

/** The monitor of a container; the start time tells it from a process that got its pid later. */
export interface MonitorRecord {
  readonly pid: number
  readonly startTime: string
  readonly containerPid: number
}

/** A container's directory for its OCI runtime and conmon: the OCI bundle, the attach socket, the control FIFO. */
export class Bundle {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  get pidFile(): string {
    return join(this.path, 'pid')
  }

  /** Where the bundle of an exec is. */
  exec(execId: string): string {
    return join(this.path, 'exec', execId)
  }

  /** Makes the directory anew, empty. */
  make(): void {
    rmSync(this.path, { recursive: true, force: true })
    mkdirSync(this.path, { mode: 0o700 })
  }

  /** Writes what a container is about to be made of. */
  write(spec: OciSpec, record: BundleRecord): void {
    this.#put('config.json', spec)
    this.#put('record.json', record)
  }

  /** Writes the record again, when more is known. */
  writeRecord(record: BundleRecord): void {
    this.#put('record.json', record)
  }

  /** Writes down the monitor, once it runs. */
  writeMonitor(monitor: MonitorRecord): void {
    this.#put('monitor.json', monitor)
  }

  readRecord(): BundleRecord | null {
    return this.#get('record.json') as BundleRecord | null
  }

  readMonitor(): MonitorRecord | null {
    return this.#get('monitor.json') as MonitorRecord | null
  }

  /** The main process as it was asked for: what an exec inherits. */
  readProcess(): OciProcess | null {
    return (this.#get('config.json') as OciSpec | null)?.process ?? null
  }

  /** The ids of the container's user namespace; null when it has the host's. */
  readIdMap(): IdMap | null {
    const { uidMappings, gidMappings } = (this.#get('config.json') as OciSpec | null)?.linux ?? {}
    if (uidMappings === undefined || gidMappings === undefined) return null
    const mapping = ({ containerID, hostID, size }: OciIdMapping): IdMapping => ({
      containerId: containerID,
      hostId: hostID,
      size,
    })
    return { uids: uidMappings.map(mapping), gids: gidMappings.map(mapping) }
  }

  /** The directory is on tmpfs as a rule: a rename keeps a reader from half a file, no more is promised. */
  #put(name: string, value: unknown): void {
    const path = join(this.path, name)
    writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }

  #get(name: string): unknown {
    try {
      return JSON.parse(readFileSync(join(this.path, name), 'utf8'))
    } catch {
      return null
    }
  }
}

/** The time a process started, in the kernel's ticks (proc_pid_stat(5), field 22); null when there is no such process. */
export function processStartTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
    // The name, in parentheses, may hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
